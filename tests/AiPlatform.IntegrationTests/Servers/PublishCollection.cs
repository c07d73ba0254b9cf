namespace AiPlatform.IntegrationTests.Servers;

/// <summary>The package that is deployed, under a host.</summary>
[CollectionDefinition(Name)]
public sealed class PublishCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>, ICollectionFixture<GarnetFixture>
{
    public const string Name = "publish";
}
