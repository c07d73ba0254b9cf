namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of queues, their tasks, and runners.</summary>
[CollectionDefinition(Name)]
public sealed class ComputeCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>, ICollectionFixture<GarnetFixture>
{
    public const string Name = "compute";
}
