using System.Diagnostics;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Local.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>
/// Broker, consumers and PostgreSQL are killed in turn under load: every accepted message is completed or dead-lettered, once.
/// <c>AIPLATFORM_CHAOS_SECONDS</c> sets the length.
/// </summary>
public sealed class ChaosTests(Xunit.Abstractions.ITestOutputHelper output) : IAsyncLifetime
{
    private const string Queue = "chaos";
    private const int Lanes = 8;

    private static readonly TimeSpan LockDuration = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(120);

    private readonly DeliveryLedger _ledger = new();
    private readonly List<ConsumerProcess> _consumers = [];
    private readonly DirectoryInfo _directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"aip-bus-{Guid.NewGuid():N}"));

    [Fact]
    public async Task Every_accepted_message_ends_once_whatever_is_killed()
    {
        var length = TimeSpan.FromSeconds(int.TryParse(Environment.GetEnvironmentVariable("AIPLATFORM_CHAOS_SECONDS"), out var seconds) ? seconds : 20);
        await using var server = await PostgresServer.StartAsync(Path.Combine(_directory.FullName, "postgres"), 0, "test", CancellationToken.None);
        await using var broker = await BrokerProcess.StartAsync(server.ConnectionString("servicebus"), new Dictionary<string, string>
        {
            ["ServiceBus:Queues:0:Name"] = Queue,
            ["ServiceBus:Queues:0:MaxDeliveryCount"] = "10",
            ["ServiceBus:Queues:0:LockDurationSeconds"] = $"{LockDuration.TotalSeconds}",
            ["ServiceBus:Queues:0:RequiresDuplicateDetection"] = "true",
        });
        var connectionString = BrokerInstance.ConnectionStringFor(broker.Port);
        await using var client = BrokerInstance.CreateClient(connectionString, maxRetries: 100);
        await using var processor = await StartProcessorAsync(client);
        StartConsumer(connectionString, 1);
        StartConsumer(connectionString, 2);
        using var stop = new CancellationTokenSource();
        await using var sender = client.CreateSender(Queue);
        var load = Enumerable.Range(0, Lanes).Select(lane => SendAsync(sender, lane, stop.Token)).ToArray();

        var clock = Stopwatch.StartNew();
        var kills = 0;
        for (; clock.Elapsed < length; kills++)
        {
            // Time to do something between two deaths.
            await Task.Delay(TimeSpan.FromSeconds(2));
            switch (kills % 3)
            {
                case 0:
                    await broker.KillAsync();
                    await broker.StartAsync();
                    break;
                case 1:
                    await _consumers[0].DisposeAsync();
                    _consumers.RemoveAt(0);
                    StartConsumer(connectionString, 10 + kills);
                    break;
                default:
                    await server.KillAsync();
                    await server.RestartAsync(CancellationToken.None);
                    break;
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(load).WaitAsync(Long);
        await using (var watcher = client.CreateReceiver(Queue))
        {
            await Eventually.TrueAsync(async () => await watcher.PeekMessageAsync(0) is null, "the queue is empty", Long);
        }

        await processor.StopProcessingAsync();
        foreach (var consumer in _consumers)
        {
            await consumer.DisposeAsync();
        }

        _consumers.Clear();
        await _ledger.ReadDeadLettersAsync(client, Queue);
        output.WriteLine($"{clock.Elapsed.TotalSeconds:0} s, {kills} kills: {_ledger}");
        _ledger.AssertEachEndedOnce();
        Assert.True(_ledger.AcceptedCount > 100, $"Only {_ledger}.");
        Assert.True(_ledger.CompletedCount > _ledger.AcceptedCount / 2, $"Only {_ledger}.");
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var consumer in _consumers)
        {
            await consumer.DisposeAsync();
        }

        _directory.Delete(recursive: true);
    }

    private void StartConsumer(string connectionString, int seed) => _consumers.Add(ConsumerProcess.Start(connectionString, Queue, seed, LockDuration, _ledger));

    // The .NET client competes with the JavaScript one, and is never killed: it must find its way back each time.
    private async Task<ServiceBusProcessor> StartProcessorAsync(ServiceBusClient client)
    {
        var processor = client.CreateProcessor(Queue, new ServiceBusProcessorOptions { MaxConcurrentCalls = 8, AutoCompleteMessages = false });
        processor.ProcessMessageAsync += async args =>
        {
            _ledger.Received(args.Message.MessageId, args.Message.LockedUntil - LockDuration);
            _ledger.Completing(args.Message.MessageId);
            await args.CompleteMessageAsync(args.Message);
            _ledger.Completed(args.Message.MessageId, DateTimeOffset.UtcNow);
        };
        processor.ProcessErrorAsync += _ => Task.CompletedTask;
        await processor.StartProcessingAsync();
        return processor;
    }

    private async Task SendAsync(ServiceBusSender sender, int lane, CancellationToken stop)
    {
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var id = $"{lane}-{number}";
            await sender.SendMessageAsync(new ServiceBusMessage(id) { MessageId = id }, CancellationToken.None);
            _ledger.Accepted(id);

            // Some 400 messages a second: what is waiting when the load ends is soon worked off.
            await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
        }
    }
}
