namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Test classes of the broker.</summary>
[CollectionDefinition(Name)]
public sealed class ServiceBusCollection : ICollectionFixture<PostgresFixture>
{
    public const string Name = "servicebus";
}
