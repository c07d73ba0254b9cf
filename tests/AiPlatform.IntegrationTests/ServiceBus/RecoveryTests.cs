using System.Collections.Concurrent;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Local.Servers;
using Azure.Messaging.ServiceBus;
using Npgsql;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>What was accepted survives the end of the broker and of PostgreSQL, and what was completed stays so.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class RecoveryTests(PostgresFixture postgres)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Messages_survive_a_restart_of_the_broker_whatever_their_state()
    {
        var database = await postgres.CreateDatabaseAsync("servicebus");
        var port = TcpPorts.Free();
        await using var client = BrokerInstance.CreateClient(BrokerInstance.ConnectionStringFor(port));
        await using var sender = client.CreateSender(BrokerInstance.Queue);
        await using var receiver = client.CreateReceiver(BrokerInstance.Queue);
        long deferred;
        long lastNumber;
        await using (await BrokerInstance.StartAsync(database, port))
        {
            foreach (var body in (string[])["completed", "deferred", "dead", "abandoned", "locked", "waiting"])
            {
                await sender.SendMessageAsync(new ServiceBusMessage(body));
            }

            lastNumber = await sender.ScheduleMessageAsync(new ServiceBusMessage("scheduled"), DateTimeOffset.UtcNow.AddSeconds(1));
            await receiver.CompleteMessageAsync((await receiver.ReceiveMessageAsync(Soon))!);
            var second = (await receiver.ReceiveMessageAsync(Soon))!;
            deferred = second.SequenceNumber;
            await receiver.DeferMessageAsync(second);
            await receiver.DeadLetterMessageAsync((await receiver.ReceiveMessageAsync(Soon))!, "reason");
            await receiver.AbandonMessageAsync((await receiver.ReceiveMessageAsync(Soon))!);
            Assert.Equal("abandoned", (await receiver.ReceiveMessageAsync(Soon))!.Body.ToString());
            Assert.Equal("locked", (await receiver.ReceiveMessageAsync(Soon))!.Body.ToString());
        }

        await using var successor = await BrokerInstance.StartAsync(database, port);
        var seen = new Dictionary<string, int>();
        while (seen.Count < 4)
        {
            var message = (await receiver.ReceiveMessageAsync(Soon))!;
            Assert.NotNull(message);
            seen.Add(message.Body.ToString(), message.DeliveryCount);
            await receiver.CompleteMessageAsync(message);
        }

        Assert.Equal(new Dictionary<string, int> { ["abandoned"] = 2, ["locked"] = 1, ["waiting"] = 1, ["scheduled"] = 1 }, seen);
        Assert.Equal("deferred", (await receiver.ReceiveDeferredMessageAsync(deferred)).Body.ToString());
        await using var dead = client.CreateReceiver(BrokerInstance.Queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        Assert.Equal("reason", (await dead.ReceiveMessageAsync(Soon))!.DeadLetterReason);
        Assert.True(await sender.ScheduleMessageAsync(new ServiceBusMessage("next"), DateTimeOffset.UtcNow.AddHours(1)) > lastNumber);
    }

    [Fact]
    public async Task Nothing_accepted_is_lost_and_nothing_completed_comes_back_when_the_broker_is_killed_under_load()
    {
        var database = await postgres.CreateDatabaseAsync("servicebus");
        await using var broker = await BrokerProcess.StartAsync(database);
        await RunUnderLoadAsync(broker.Port, async () =>
        {
            for (var i = 0; i < 3; i++)
            {
                await Task.Delay(700);
                await broker.KillAsync();
                await broker.StartAsync();
            }
        });
    }

    [Fact]
    public async Task Nothing_accepted_is_lost_and_nothing_completed_comes_back_when_postgres_is_killed_under_load()
    {
        var directory = Path.Combine(Path.GetTempPath(), $"aip-bus-{Guid.NewGuid():N}");
        Directory.CreateDirectory(directory);
        await using (var own = await PostgresServer.StartAsync(Path.Combine(directory, "postgres"), 0, "test", CancellationToken.None))
        {
            await using var broker = await BrokerInstance.StartAsync(own.ConnectionString("servicebus"));
            await RunUnderLoadAsync(broker.Port, async () =>
            {
                for (var i = 0; i < 3; i++)
                {
                    await Task.Delay(700);
                    await own.KillAsync();
                    await Eventually.TrueAsync(async () => !await broker.IsReadyAsync(), "the broker notices");
                    await own.RestartAsync(CancellationToken.None);
                }
            });
            Assert.False(broker.Stopping.IsCancellationRequested);
        }

        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task A_second_broker_waits_until_the_first_is_gone()
    {
        var database = await postgres.CreateDatabaseAsync("servicebus");
        var first = await BrokerInstance.StartAsync(database);
        await using var second = await BrokerInstance.StartAsync(database, waitUntilReady: false);
        await using (var client = first.CreateClient())
        {
            await client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("handed over"));
        }

        Assert.False(await second.IsReadyAsync());
        await first.DisposeAsync();

        await Eventually.TrueAsync(second.IsReadyAsync, "the second broker takes over");
        await using var successor = second.CreateClient();
        Assert.Equal("handed over", (await successor.CreateReceiver(BrokerInstance.Queue).ReceiveMessageAsync(Soon))!.Body.ToString());
    }

    [Fact]
    public async Task A_broker_that_was_succeeded_writes_nothing_more_and_stops()
    {
        var database = await postgres.CreateDatabaseAsync("servicebus");
        var way = new NpgsqlConnectionStringBuilder(database);
        var postgresPort = way.Port;
        await using var relay = new TcpRelay(postgresPort);
        way.Port = relay.Port;
        await using var first = await BrokerInstance.StartAsync(way.ConnectionString);
        await using var firstClient = first.CreateClient(maxRetries: 0);
        await using var receiver = firstClient.CreateReceiver(BrokerInstance.Queue);
        await using var sender = firstClient.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("x"));
        var held = (await receiver.ReceiveMessageAsync(Soon))!;
        await using var second = await BrokerInstance.StartAsync(database, waitUntilReady: false);

        // The first broker's way to PostgreSQL breaks, and the second takes the lock that it waits for before the first is back.
        await relay.DisposeAsync();
        await Eventually.TrueAsync(second.IsReadyAsync, "the second broker takes over");
        await using var again = new TcpRelay(postgresPort, port: way.Port);

        await Assert.ThrowsAnyAsync<Exception>(() => receiver.CompleteMessageAsync(held));
        await Eventually.TrueAsync(() => Task.FromResult(first.Stopping.IsCancellationRequested), "the first broker stops");
        await using var secondClient = second.CreateClient();
        Assert.Equal("x", (await secondClient.CreateReceiver(BrokerInstance.Queue).ReceiveMessageAsync(Soon))!.Body.ToString());
    }

    // Senders and handlers run while the chaos does; every id that was acknowledged must be handled, and none after its
    // completion was confirmed.
    private static async Task RunUnderLoadAsync(int port, Func<Task> chaos)
    {
        var accepted = new ConcurrentDictionary<string, bool>();
        var seen = new ConcurrentDictionary<string, bool>();
        var completed = new ConcurrentDictionary<string, bool>();
        var returned = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        await using var client = BrokerInstance.CreateClient(BrokerInstance.ConnectionStringFor(port), maxRetries: 100);
        await using var sender = client.CreateSender(BrokerInstance.ShortQueue);
        var senders = Enumerable.Range(0, 8).Select(number => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var id = $"{number}-{i}";
                await sender.SendMessageAsync(new ServiceBusMessage(id) { MessageId = id });
                accepted[id] = true;
            }
        })).ToList();
        await using var processor = client.CreateProcessor(
            BrokerInstance.ShortQueue, new ServiceBusProcessorOptions { MaxConcurrentCalls = 16, AutoCompleteMessages = false });
        processor.ProcessMessageAsync += async args =>
        {
            seen[args.Message.MessageId] = true;

            // A repeat of a send whose answer was lost has the same id but is another message.
            var key = $"{args.Message.MessageId}/{args.Message.SequenceNumber}";
            if (completed.ContainsKey(key))
            {
                returned.Add(key);
            }

            await args.CompleteMessageAsync(args.Message);
            completed[key] = true;
        };
        processor.ProcessErrorAsync += _ => Task.CompletedTask;
        await processor.StartProcessingAsync();

        await chaos();
        await Eventually.TrueAsync(() => Task.FromResult(accepted.Count > 100), "a hundred messages are accepted", Long);
        await stop.CancelAsync();
        await Task.WhenAll(senders).WaitAsync(Long);

        await using var receiver = client.CreateReceiver(BrokerInstance.ShortQueue);
        await Eventually.TrueAsync(async () => await receiver.PeekMessageAsync(0) is null, "the queue is empty", Long);
        await processor.StopProcessingAsync();
        await using var dead = client.CreateReceiver(BrokerInstance.ShortQueue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        Assert.Null(await dead.PeekMessageAsync(0));
        Assert.Empty(returned);

        Assert.Empty(accepted.Keys.Except(seen.Keys));
    }
}
