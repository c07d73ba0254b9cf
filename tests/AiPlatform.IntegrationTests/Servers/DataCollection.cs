namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of datasets and their quality, of jobs and runs.</summary>
[CollectionDefinition(Name)]
public sealed class DataCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>, ICollectionFixture<GarnetFixture>
{
    public const string Name = "data";
}
