namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of orchestrations, with hub, broker and app.</summary>
[CollectionDefinition(Name)]
public sealed class OrchestrationsCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>, ICollectionFixture<GarnetFixture>
{
    public const string Name = "orchestrations";
}
