using System.Transactions;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

[Collection(ServiceBusCollection.Name)]
public sealed class TransactionTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    private const string Target = "plain";

    [Fact]
    public async Task What_is_sent_and_settled_in_a_transaction_happens_together()
    {
        await using var client = CreateCrossEntityClient();
        await SendAsync(BrokerInstance.Queue, "job");
        await using var receiver = client.CreateReceiver(BrokerInstance.Queue);
        var job = await ReceiveAsync(receiver);
        await using var sender = client.CreateSender(Target);
        await using var results = Client.CreateReceiver(Target);
        using (var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await sender.SendMessageAsync(new ServiceBusMessage("result 1"));
            await sender.SendMessagesAsync([new ServiceBusMessage("result 2"), new ServiceBusMessage("result 3")]);
            await receiver.CompleteMessageAsync(job);
            using (new TransactionScope(TransactionScopeOption.Suppress, TransactionScopeAsyncFlowOption.Enabled))
            {
                Assert.Null(await results.ReceiveMessageAsync(AMoment));
            }

            scope.Complete();
        }

        foreach (var body in (string[])["result 1", "result 2", "result 3"])
        {
            var result = await ReceiveAsync(results);
            Assert.Equal(body, result.Body.ToString());
            await results.CompleteMessageAsync(result);
        }

        Assert.Null(await receiver.PeekMessageAsync(0));
    }

    [Fact]
    public async Task What_was_done_in_a_transaction_that_is_not_completed_is_undone()
    {
        await using var client = CreateCrossEntityClient();
        await SendAsync(BrokerInstance.Queue, "job");
        await using var receiver = client.CreateReceiver(BrokerInstance.Queue);
        var job = await ReceiveAsync(receiver);
        await using var sender = client.CreateSender(Target);
        await using var results = Client.CreateReceiver(Target);
        using (new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await sender.SendMessageAsync(new ServiceBusMessage("never"));
            await receiver.CompleteMessageAsync(job);
        }

        // The lock is as it was: the message can be settled again, now for good.
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    await receiver.CompleteMessageAsync(job);
                    return true;
                }
                catch (ServiceBusException exception) when (exception.Reason == ServiceBusFailureReason.MessageLockLost)
                {
                    return false;
                }
            },
            "the rollback arrives");
        Assert.Null(await results.ReceiveMessageAsync(AMoment));
    }

    [Fact]
    public async Task A_transaction_with_too_much_in_it_is_refused()
    {
        await using var sender = Client.CreateSender(Target);
        using var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled);
        var failure = await Assert.ThrowsAsync<ServiceBusException>(async () =>
        {
            for (var i = 0; i <= 100; i++)
            {
                await sender.SendMessageAsync(new ServiceBusMessage("x"));
            }
        });
        Assert.Equal(ServiceBusFailureReason.QuotaExceeded, failure.Reason);
    }

    [Fact]
    public async Task Without_the_option_a_transaction_is_about_one_entity()
    {
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        await using var own = Client.CreateSender(BrokerInstance.Queue);
        await using var other = Client.CreateSender(Target);
        await SendAsync(BrokerInstance.Queue, "job");
        var job = await ReceiveAsync(receiver);
        using (new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await receiver.CompleteMessageAsync(job);
            var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => other.SendMessageAsync(new ServiceBusMessage("elsewhere")));
            Assert.Contains("EnableCrossEntityTransactions", refusal.Message, StringComparison.Ordinal);
        }

        await SendAsync(BrokerInstance.Queue, "another");
        var another = await ReceiveAsync(receiver);
        while (another.Body.ToString() != "another")
        {
            await receiver.CompleteMessageAsync(another);
            another = await ReceiveAsync(receiver);
        }

        using (var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await receiver.CompleteMessageAsync(another);
            await own.SendMessageAsync(new ServiceBusMessage("follows"));
            scope.Complete();
        }

        Assert.Equal("follows", (await ReceiveAsync(receiver)).Body.ToString());
    }

    [Fact]
    public async Task A_transaction_with_too_many_settlements_is_refused()
    {
        await using var sender = Client.CreateSender(Target);
        await sender.SendMessagesAsync(Enumerable.Range(0, 101).Select(static i => new ServiceBusMessage($"{i}")));
        await using var receiver = Client.CreateReceiver(Target);
        var messages = new List<ServiceBusReceivedMessage>();
        while (messages.Count < 101)
        {
            messages.AddRange(await receiver.ReceiveMessagesAsync(101 - messages.Count, Soon));
        }

        using var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled);
        foreach (var message in messages.SkipLast(1))
        {
            await receiver.CompleteMessageAsync(message);
        }

        await AssertReasonAsync(ServiceBusFailureReason.QuotaExceeded, () => receiver.CompleteMessageAsync(messages[^1]));
    }

    private ServiceBusClient CreateCrossEntityClient() => new(Broker.ConnectionString, new ServiceBusClientOptions { EnableCrossEntityTransactions = true });

    private async Task SendAsync(string queue, string body)
    {
        await using var sender = Client.CreateSender(queue);
        await sender.SendMessageAsync(new ServiceBusMessage(body));
    }
}
