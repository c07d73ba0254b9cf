namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of the Functions host that need a database.</summary>
[CollectionDefinition(Name)]
public sealed class FunctionsHostCollection : ICollectionFixture<PostgresFixture>
{
    public const string Name = "functionshost";
}
