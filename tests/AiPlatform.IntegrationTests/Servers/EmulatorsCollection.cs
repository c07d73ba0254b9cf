namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of hub, broker and Functions host: they share servers of their own, and so run beside the tests of the API.</summary>
[CollectionDefinition(Name)]
public sealed class EmulatorsCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>, ICollectionFixture<GarnetFixture>
{
    public const string Name = "emulators";
}
