namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of tracking, MLflow, the registry and lineage.</summary>
[CollectionDefinition(Name)]
public sealed class TrackingCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>, ICollectionFixture<GarnetFixture>
{
    public const string Name = "tracking";
}
