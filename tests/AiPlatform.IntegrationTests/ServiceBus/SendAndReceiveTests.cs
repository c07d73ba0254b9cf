using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

[Collection(ServiceBusCollection.Name)]
public sealed class SendAndReceiveTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    [Fact]
    public async Task A_message_keeps_its_body_and_its_properties()
    {
        var sent = new ServiceBusMessage(BinaryData.FromString("héllo 你好"))
        {
            MessageId = "id-1",
            CorrelationId = "c-1",
            Subject = "subject",
            ContentType = "text/plain",
            PartitionKey = "p",
            ReplyTo = "answers",
            ReplyToSessionId = "rs",
            To = "somebody",
            TimeToLive = TimeSpan.FromMinutes(10),
            ApplicationProperties =
            {
                ["text"] = "x",
                ["number"] = 7,
                ["long"] = 8L,
                ["flag"] = true,
                ["guid"] = Guid.Parse("11111111-2222-3333-4444-555555555555"),
                ["time"] = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
                ["uri"] = new Uri("https://example.org/x"),
            },
        };
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(sent);

        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        var message = await ReceiveAsync(receiver);

        Assert.Equal("héllo 你好", message.Body.ToString());
        Assert.Equal(
            ("id-1", "c-1", "subject", "text/plain", "p", "answers", "rs", "somebody"),
            (message.MessageId, message.CorrelationId, message.Subject, message.ContentType, message.PartitionKey, message.ReplyTo, message.ReplyToSessionId, message.To));
        Assert.Equal(TimeSpan.FromMinutes(10), message.TimeToLive);

        // Counted from the sender's clock, which read the time before the broker's did.
        Assert.InRange(message.ExpiresAt, message.EnqueuedTime + message.TimeToLive - TimeSpan.FromSeconds(10), message.EnqueuedTime + message.TimeToLive);
        Assert.Equal(1, message.DeliveryCount);
        Assert.True(message.SequenceNumber > 0);
        Assert.InRange(message.LockedUntil, DateTimeOffset.UtcNow.AddSeconds(30), DateTimeOffset.UtcNow.AddSeconds(61));
        Assert.Equal("x", message.ApplicationProperties["text"]);
        Assert.Equal(7, message.ApplicationProperties["number"]);
        Assert.Equal(8L, message.ApplicationProperties["long"]);
        Assert.Equal(true, message.ApplicationProperties["flag"]);
        Assert.Equal(Guid.Parse("11111111-2222-3333-4444-555555555555"), message.ApplicationProperties["guid"]);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), message.ApplicationProperties["time"]);
        Assert.Equal(new Uri("https://example.org/x"), message.ApplicationProperties["uri"]);

        await receiver.CompleteMessageAsync(message);
        Assert.Null(await receiver.PeekMessageAsync(0));
    }

    [Fact]
    public async Task Messages_come_in_the_order_in_which_they_were_sent()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        for (var i = 0; i < 30; i++)
        {
            await sender.SendMessageAsync(new ServiceBusMessage($"{i}"));
        }

        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        var bodies = new List<string>();
        while (bodies.Count < 30)
        {
            foreach (var message in await receiver.ReceiveMessagesAsync(7, Soon))
            {
                bodies.Add(message.Body.ToString());
                await receiver.CompleteMessageAsync(message);
            }
        }

        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}"), bodies);
    }

    [Fact]
    public async Task A_batch_arrives_whole_and_in_order()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessagesAsync(Enumerable.Range(0, 500).Select(i => new ServiceBusMessage($"{i}")));

        await using var receiver = Client.CreateReceiver(
            BrokerInstance.Queue, new ServiceBusReceiverOptions { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete, PrefetchCount = 100 });
        var bodies = new List<string>();
        while (bodies.Count < 500)
        {
            var messages = await receiver.ReceiveMessagesAsync(64, Soon);
            Assert.NotEmpty(messages);
            bodies.AddRange(messages.Select(message => message.Body.ToString()));
        }

        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), bodies);
        Assert.Null(await receiver.PeekMessageAsync(0));
    }

    [Fact]
    public async Task What_is_too_large_is_refused_and_the_link_lives_on()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await AssertReasonAsync(ServiceBusFailureReason.MessageSizeExceeded, () => sender.SendMessageAsync(new ServiceBusMessage(new byte[2_000_000])));
        await AssertReasonAsync(
            ServiceBusFailureReason.MessageSizeExceeded,
            () => sender.SendMessagesAsync([new ServiceBusMessage(new byte[700_000]), new ServiceBusMessage(new byte[700_000])]));

        await sender.SendMessageAsync(new ServiceBusMessage(new byte[900_000]));

        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Equal(900_000, (await ReceiveAsync(receiver)).Body.ToArray().Length);
    }

    [Fact]
    public async Task A_receive_that_finds_nothing_ends_in_time_and_keeps_no_message_from_others()
    {
        await using var idle = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Empty(await idle.ReceiveMessagesAsync(10, AMoment));
        using var cancelled = new CancellationTokenSource(AMoment);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => idle.ReceiveMessagesAsync(10, Soon, cancelled.Token));

        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("for somebody else"));

        await using var other = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Equal(1, (await ReceiveAsync(other)).DeliveryCount);
    }

    [Fact]
    public async Task Messages_not_taken_by_a_receiver_that_closes_go_to_others_at_once()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessagesAsync(Enumerable.Range(0, 10).Select(i => new ServiceBusMessage($"{i}")));
        var hoarder = Client.CreateReceiver(BrokerInstance.Queue, new ServiceBusReceiverOptions { PrefetchCount = 10 });
        var taken = await ReceiveAsync(hoarder);
        await hoarder.CompleteMessageAsync(taken);
        await hoarder.DisposeAsync();

        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        var rest = new List<ServiceBusReceivedMessage>();
        while (rest.Count < 9)
        {
            var messages = await receiver.ReceiveMessagesAsync(9, Soon);
            Assert.NotEmpty(messages);
            rest.AddRange(messages);
        }

        Assert.Equal(9, rest.Select(message => message.Body.ToString()).Distinct().Count());
    }

    [Fact]
    public async Task Scheduled_messages_come_when_they_are_due_and_cancelled_ones_never()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        var due = DateTimeOffset.UtcNow.AddSeconds(1.5);
        var kept = await sender.ScheduleMessageAsync(new ServiceBusMessage("kept"), due);
        var cancelled = await sender.ScheduleMessageAsync(new ServiceBusMessage("cancelled"), due);
        await sender.SendMessageAsync(new ServiceBusMessage("annotated") { ScheduledEnqueueTime = due });
        await sender.CancelScheduledMessageAsync(cancelled);
        await AssertReasonAsync(ServiceBusFailureReason.MessageNotFound, () => sender.CancelScheduledMessageAsync(cancelled));

        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Equal(ServiceBusMessageState.Scheduled, (await receiver.PeekMessageAsync(kept))!.State);
        Assert.Null(await receiver.ReceiveMessageAsync(AMoment));
        var bodies = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            var message = await ReceiveAsync(receiver);
            Assert.True(DateTimeOffset.UtcNow >= due);
            bodies.Add(message.Body.ToString());
            await receiver.CompleteMessageAsync(message);
        }

        Assert.Equal(["annotated", "kept"], bodies.Order());
        Assert.Null(await receiver.ReceiveMessageAsync(AMoment));
    }

    [Fact]
    public async Task Peeking_shows_messages_in_order_and_locks_nothing()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessagesAsync([new ServiceBusMessage("1"), new ServiceBusMessage("2"), new ServiceBusMessage("3")]);

        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Equal(["1", "2"], (await receiver.PeekMessagesAsync(2)).Select(message => message.Body.ToString()));
        Assert.Equal(["3"], (await receiver.PeekMessagesAsync(2)).Select(message => message.Body.ToString()));
        Assert.Equal(Guid.Empty, Guid.Parse((await receiver.PeekMessageAsync(0))!.LockToken));
        Assert.Equal("1", (await ReceiveAsync(receiver)).Body.ToString());
    }

    [Theory]
    [InlineData(1, 1_000)]
    [InlineData(20, 5_000)]
    public async Task Any_number_of_requests_on_one_link_are_answered(int atOnce, int count)
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("x"));
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        var left = count;
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                Assert.NotNull(await receiver.PeekMessageAsync(0).WaitAsync(Soon));
            }
        }));
    }

    [Fact]
    public async Task A_message_past_its_time_to_live_is_not_delivered()
    {
        await using var sender = Client.CreateSender(BrokerInstance.ShortQueue);
        await sender.SendMessageAsync(new ServiceBusMessage("stale") { TimeToLive = TimeSpan.FromMilliseconds(1) });
        await sender.SendMessageAsync(new ServiceBusMessage("fresh"));

        await using var receiver = Client.CreateReceiver(BrokerInstance.ShortQueue);
        Assert.Equal("fresh", (await ReceiveAsync(receiver)).Body.ToString());
        await using var dead = Client.CreateReceiver(BrokerInstance.ShortQueue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        Assert.Equal("TTLExpiredException", (await ReceiveAsync(dead)).DeadLetterReason);
    }

    [Fact]
    public async Task A_queue_that_is_not_configured_is_not_found()
    {
        await using var sender = Client.CreateSender("nothing-here");
        await AssertReasonAsync(ServiceBusFailureReason.MessagingEntityNotFound, () => sender.SendMessageAsync(new ServiceBusMessage("x")));
    }

    [Fact]
    public async Task Queue_names_do_not_depend_on_case()
    {
        await using var sender = Client.CreateSender("JOBS");
        await sender.SendMessageAsync(new ServiceBusMessage("x"));
        await using var receiver = Client.CreateReceiver("Jobs");
        Assert.Equal("x", (await ReceiveAsync(receiver)).Body.ToString());
    }

    [Fact]
    public async Task A_deep_queue_stays_in_the_table_and_comes_out_in_order()
    {
        const int count = 6_000;
        await using var sender = Client.CreateSender("plain");
        for (var i = 0; i < count; i += 500)
        {
            await sender.SendMessagesAsync(Enumerable.Range(i, 500).Select(n => new ServiceBusMessage($"{n}")));
        }

        await Eventually.TrueAsync(
            async () => (await Broker.MetricsAsync()).Contains($"servicebus_messages{{queue=\"plain\",state=\"active\"}} {count}", StringComparison.Ordinal),
            "the metrics count the messages");
        Assert.Contains("servicebus_messages{queue=\"plain\",state=\"in_memory\"} 1000", await Broker.MetricsAsync(), StringComparison.Ordinal);

        await using var receiver = Client.CreateReceiver(
            "plain", new ServiceBusReceiverOptions { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete, PrefetchCount = 300 });
        var next = 0;
        var sentMore = false;
        while (next < count + 500)
        {
            var messages = await receiver.ReceiveMessagesAsync(500, Soon);
            Assert.NotEmpty(messages);
            foreach (var message in messages)
            {
                Assert.Equal($"{next++}", message.Body.ToString());
            }

            if (!sentMore)
            {
                // What is sent while pages are read comes after them, once.
                sentMore = true;
                await sender.SendMessagesAsync(Enumerable.Range(count, 500).Select(n => new ServiceBusMessage($"{n}")));
            }
        }

        Assert.Null(await receiver.ReceiveMessageAsync(AMoment));
    }

    [Fact]
    public async Task A_receiver_with_less_patience_than_opening_a_link_takes_receives_in_the_end()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("x"));
        await using var client = Broker.CreateClient();
        await using var receiver = client.CreateReceiver(BrokerInstance.Queue);
        using var limit = new CancellationTokenSource(Soon);
        ServiceBusReceivedMessage? message = null;
        while (message is null)
        {
            message = await receiver.ReceiveMessageAsync(TimeSpan.FromMilliseconds(1), limit.Token);
        }

        Assert.Equal("x", message.Body.ToString());
    }

    [Fact]
    public async Task What_arrives_after_the_receiver_got_enough_goes_to_another_receiver()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await using var first = Client.CreateReceiver(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("0"));
        Assert.Single(await first.ReceiveMessagesAsync(10, Soon));
        await sender.SendMessagesAsync(Enumerable.Range(1, 5).Select(i => new ServiceBusMessage($"{i}")));

        await using var second = Client.CreateReceiver(BrokerInstance.Queue);
        var bodies = new List<string>();
        while (bodies.Count < 5)
        {
            var message = await ReceiveAsync(second);
            Assert.Equal(1, message.DeliveryCount);
            bodies.Add(message.Body.ToString());
        }

        Assert.Equal(["1", "2", "3", "4", "5"], bodies.Order(StringComparer.Ordinal));
    }
}
