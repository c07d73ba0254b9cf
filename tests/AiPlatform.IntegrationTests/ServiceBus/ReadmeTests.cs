using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>The C# of the broker's README, with the official SDK against a broker. Its JavaScript is run by the conformance suite.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class ReadmeTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_client_that_names_no_reply_to_gets_its_answers_and_one_that_names_entities_by_url_its_messages()
    {
        await using var broker = await BrokerInstance.StartAsync(await postgres.CreateDatabaseAsync("bus"));
        var audience = $"sb://127.0.0.1/{BrokerInstance.Queue}";
        var token = TestSignature.Create(audience, "RootManageSharedAccessKey", BrokerInstance.Key, DateTimeOffset.UtcNow.AddMinutes(5));
        var statuses = await RawAmqp.PutTokensWithoutReplyToAsync(broker.Port, "servicebus.windows.net:sastoken", token, audience);
        Assert.Equal([202, 202], statuses);
        await using var client = new ServiceBusClient(broker.ConnectionString);
        await client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("one"));
        Assert.Equal("one", await RawAmqp.ReceiveAsPythonDoesAsync(broker.Port, BrokerInstance.Key, BrokerInstance.Queue));
    }

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
