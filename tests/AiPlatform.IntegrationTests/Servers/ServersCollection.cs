namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes marked with this collection share one set of servers and run one after another.</summary>
[CollectionDefinition(Name)]
public sealed class ServersCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>, ICollectionFixture<GarnetFixture>
{
    public const string Name = "servers";
}
