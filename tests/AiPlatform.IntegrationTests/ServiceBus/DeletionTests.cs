using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Messages that are deleted without being received.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class DeletionTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    [Fact]
    public async Task The_oldest_go_and_the_others_stay_in_order()
    {
        await SendAsync(BrokerInstance.Queue, 0, 10);
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Equal(4, await receiver.DeleteAsync(4));
        Assert.Equal(["4", "5", "6", "7", "8", "9"], await ReceiveAllAsync(receiver, 6));
        Assert.Equal(0, await receiver.DeleteAsync(4));
    }

    [Fact]
    public async Task What_a_receiver_holds_and_what_came_later_stays()
    {
        await SendAsync(BrokerInstance.Queue, 0, 3);
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        var held = await ReceiveAsync(receiver);
        await Task.Delay(50);
        var moment = DateTimeOffset.UtcNow;
        await Task.Delay(50);
        await SendAsync(BrokerInstance.Queue, 3, 2);
        Assert.Equal(2, await receiver.DeleteAsync(100, moment));
        await receiver.AbandonMessageAsync(held);
        Assert.Equal(["0", "3", "4"], await ReceiveAllAsync(receiver, 3));
    }

    [Fact]
    public async Task A_deep_queue_is_purged_while_it_is_received_from_and_sent_to()
    {
        const int count = 3_000;
        for (var start = 0; start < count; start += 500)
        {
            await SendAsync("plain", start, 500);
        }

        await using var receiver = Client.CreateReceiver("plain", new ServiceBusReceiverOptions { PrefetchCount = 20 });
        var first = await ReceiveAsync(receiver);
        await receiver.CompleteMessageAsync(first);
        await using (var purging = Client.CreateReceiver("plain"))
        {
            await receiver.DisposeAsync();
            var purged = await purging.PurgeAsync();
            Assert.InRange(purged, count - 21, count - 1);
        }

        await SendAsync("plain", count, 5);
        await using var after = Client.CreateReceiver("plain", new ServiceBusReceiverOptions { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete });
        var seen = new List<int>();
        while (await after.ReceiveMessageAsync(AMoment * 3) is { } message)
        {
            seen.Add(int.Parse(message.Body.ToString(), System.Globalization.CultureInfo.InvariantCulture));
        }

        Assert.Equal(Enumerable.Range(count, 5), seen.TakeLast(5));
        Assert.True(seen.Count <= 25, $"{seen.Count} messages came.");
        var administration = new ServiceBusAdministrationClient(Broker.AdministrationConnectionString);
        Assert.Equal(0, (await administration.GetQueueRuntimePropertiesAsync("plain")).Value.TotalMessageCount);
    }

    [Fact]
    public async Task In_a_session_only_its_own_messages_go()
    {
        await using var sender = Client.CreateSender(BrokerInstance.SessionQueue);
        foreach (var session in (string[])["a", "b"])
        {
            await sender.SendMessagesAsync([new ServiceBusMessage("1") { SessionId = session }, new ServiceBusMessage("2") { SessionId = session }]);
        }

        await using var a = await Client.AcceptSessionAsync(BrokerInstance.SessionQueue, "a");
        Assert.Equal(2, await a.PurgeAsync());
        Assert.Null(await a.ReceiveMessageAsync(AMoment));
        await using var b = await Client.AcceptSessionAsync(BrokerInstance.SessionQueue, "b");
        Assert.Equal("1", (await b.ReceiveMessageAsync(Soon))?.Body.ToString());
    }

    [Fact]
    public async Task Dead_letters_are_purged_too()
    {
        await SendAsync(BrokerInstance.Queue, 0, 2);
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        await receiver.DeadLetterMessageAsync(await ReceiveAsync(receiver));
        await receiver.DeadLetterMessageAsync(await ReceiveAsync(receiver));
        await using var dead = Client.CreateReceiver(BrokerInstance.Queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        Assert.Equal(2, await dead.PurgeAsync());
        Assert.Null(await dead.PeekMessageAsync(0));
    }

    private async Task SendAsync(string queue, int start, int count)
    {
        await using var sender = Client.CreateSender(queue);
        await sender.SendMessagesAsync(Enumerable.Range(start, count).Select(static i => new ServiceBusMessage($"{i}")));
    }

    private static async Task<List<string>> ReceiveAllAsync(ServiceBusReceiver receiver, int count)
    {
        var bodies = new List<string>();
        while (bodies.Count < count)
        {
            var message = await ReceiveAsync(receiver);
            bodies.Add(message.Body.ToString());
            await receiver.CompleteMessageAsync(message);
        }

        return bodies;
    }
}
