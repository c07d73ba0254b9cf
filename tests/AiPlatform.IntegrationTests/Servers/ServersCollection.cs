namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of the API that have no area of their own: identity, access, the kernel. As all classes of a collection they run one after another.</summary>
[CollectionDefinition(Name)]
public sealed class ServersCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>, ICollectionFixture<GarnetFixture>
{
    public const string Name = "servers";
}
