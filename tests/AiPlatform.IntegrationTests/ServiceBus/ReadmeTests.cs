using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>The C# of the broker's README, with the official SDK against a broker. Its JavaScript is run by the conformance suite.</summary>
[Collection(ServersCollection.Name)]
public sealed class ReadmeTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_client_sends_as_the_README_says()
    {
        var snippet = Assert.Single(await CSharpSnippet.OfAsync("infra/AiPlatform.ServiceBusEmulator/README.md"));
        await using var broker = await BrokerInstance.StartAsync(await postgres.CreateDatabaseAsync("bus"));
        await new ServiceBusAdministrationClient(broker.AdministrationConnectionString).CreateQueueAsync("orders");
        await CSharpSnippet.RunAsync(["Azure.Messaging.ServiceBus"], "var connectionString = args[0];", snippet, string.Empty, string.Empty, broker.ConnectionString);
        await using var client = new ServiceBusClient(broker.ConnectionString);
        var message = await client.CreateReceiver("orders", new ServiceBusReceiverOptions { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete }).ReceiveMessageAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("one", message.Body.ToString());
    }
}
