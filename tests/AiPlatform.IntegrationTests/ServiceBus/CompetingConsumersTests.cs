using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Consumers compete for messages, abandon, crash, let locks end, and have their connections cut.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class CompetingConsumersTests(PostgresFixture postgres, Xunit.Abstractions.ITestOutputHelper output)
{
    private const string Queue = "competing";
    private const int Messages = 800;

    private static readonly TimeSpan LockDuration = TimeSpan.FromSeconds(2);

    private readonly DeliveryLedger _ledger = new();

    [Fact]
    public async Task Nothing_is_lost_and_nothing_is_completed_twice()
    {
        await using var broker = await BrokerInstance.StartAsync(
            await postgres.CreateDatabaseAsync("servicebus"),
            settings: new Dictionary<string, string>
            {
                ["ServiceBus:Queues:4:Name"] = Queue,
                ["ServiceBus:Queues:4:LockDurationSeconds"] = $"{LockDuration.TotalSeconds}",
                ["ServiceBus:Queues:4:RequiresDuplicateDetection"] = "true",
            });
        await using var relay = new TcpRelay(broker.Port);
        using var stop = new CancellationTokenSource();
        var consumers = Enumerable.Range(1, 4).Select(seed => Task.Run(() => ConsumeAsync(relay.Port, new Random(seed), stop.Token))).ToList();
        var sending = Task.Run(() => SendAsync(relay.Port));
        for (var cut = 0; cut < 8; cut++)
        {
            await Task.Delay(500);
            relay.Cut();
        }

        await sending;
        await using var client = broker.CreateClient();
        await using var watcher = client.CreateReceiver(Queue);
        await Eventually.TrueAsync(async () => await watcher.PeekMessageAsync(0) is null, "the queue is empty", TimeSpan.FromSeconds(60));
        await stop.CancelAsync();
        await Task.WhenAll(consumers);
        await _ledger.ReadDeadLettersAsync(client, Queue);
        output.WriteLine(_ledger.ToString());
        _ledger.AssertEachEndedOnce();
        Assert.Equal(Messages, _ledger.AcceptedCount);
        Assert.True(_ledger.CompletedCount > Messages / 2, "Most were completed and confirmed.");
        Assert.True(_ledger.RepeatedCount > 0 && _ledger.DeadLetterCount > 0, "Some were delivered again, some dead-lettered.");
    }

    private async Task SendAsync(int port)
    {
        await using var client = BrokerInstance.CreateClient(BrokerInstance.ConnectionStringFor(port), maxRetries: 100);
        await using var sender = client.CreateSender(Queue);
        await Parallel.ForEachAsync(Enumerable.Range(0, Messages), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, cancellationToken) =>
        {
            await sender.SendMessageAsync(new ServiceBusMessage("x") { MessageId = $"m-{number}" }, cancellationToken);
            _ledger.Accepted($"m-{number}");
        });
    }

    // One life after the other: each takes some messages and then crashes with what it has in hand.
    private async Task ConsumeAsync(int port, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await using var client = BrokerInstance.CreateClient(BrokerInstance.ConnectionStringFor(port), maxRetries: 100);
            await using var receiver = client.CreateReceiver(Queue);
            try
            {
                for (var life = random.Next(5, 60); life > 0; life--)
                {
                    var messages = await receiver.ReceiveMessagesAsync(random.Next(1, 10), TimeSpan.FromMilliseconds(500), stop);
                    foreach (var message in messages)
                    {
                        _ledger.Received(message.MessageId, message.LockedUntil - LockDuration);
                    }

                    if (life > 1)
                    {
                        await Task.WhenAll(messages.Select(message => SettleAsync(receiver, message, random.NextDouble())));
                    }
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // The queue is empty.
            }
        }
    }

    private async Task SettleAsync(ServiceBusReceiver receiver, ServiceBusReceivedMessage message, double choice)
    {
        try
        {
            switch (choice)
            {
                case < 0.1:
                    await receiver.AbandonMessageAsync(message);
                    return;
                case < 0.13:
                    await receiver.DeadLetterMessageAsync(message, "unwanted");
                    return;
                case < 0.15:
                    await Task.Delay(LockDuration + TimeSpan.FromMilliseconds(300));
                    break;
            }

            _ledger.Completing(message.MessageId);
            await receiver.CompleteMessageAsync(message);
            _ledger.Completed(message.MessageId, DateTimeOffset.UtcNow);
        }
        catch (ServiceBusException exception) when (exception.Reason == ServiceBusFailureReason.MessageLockLost)
        {
            // Told, not silent: the lock ended, or the answer to a settlement was cut off and its repeat found it done.
        }
    }
}
