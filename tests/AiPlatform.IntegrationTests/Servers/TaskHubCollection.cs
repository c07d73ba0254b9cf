namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of the task hub.</summary>
[CollectionDefinition(Name)]
public sealed class TaskHubCollection : ICollectionFixture<PostgresFixture>, ICollectionFixture<AzuriteFixture>
{
    public const string Name = "taskhub";
}
