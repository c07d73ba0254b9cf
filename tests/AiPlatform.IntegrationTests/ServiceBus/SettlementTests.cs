using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace AiPlatform.IntegrationTests.ServiceBus;

[Collection(ServiceBusCollection.Name)]
public sealed class SettlementTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    [Fact]
    public async Task An_abandoned_message_comes_back_in_its_old_place_with_changed_properties()
    {
        await using var receiver = await SendAsync(BrokerInstance.Queue, "first", "second");
        var first = await ReceiveAsync(receiver);
        await receiver.AbandonMessageAsync(first, new Dictionary<string, object> { ["tried"] = 1 });

        var again = await ReceiveAsync(receiver);
        Assert.Equal(("first", 2, 1), (again.Body.ToString(), again.DeliveryCount, again.ApplicationProperties["tried"]));
        Assert.Equal(first.SequenceNumber, again.SequenceNumber);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100_000)]
    public async Task A_message_is_dead_lettered_after_its_last_delivery(int size)
    {
        await using var receiver = await SendAsync(BrokerInstance.Queue, new string('x', size));
        for (var delivery = 1; delivery <= 3; delivery++)
        {
            var message = await ReceiveAsync(receiver);
            Assert.Equal(delivery, message.DeliveryCount);
            await receiver.AbandonMessageAsync(message);
        }

        Assert.Null(await receiver.ReceiveMessageAsync(AMoment));
        await using var dead = DeadLetters();
        var letter = await ReceiveAsync(dead);
        Assert.Equal("MaxDeliveryCountExceeded", letter.DeadLetterReason);
        Assert.Equal(size, letter.Body.ToString().Length);
        await dead.CompleteMessageAsync(letter);
        Assert.Null(await dead.PeekMessageAsync(0));
    }

    [Fact]
    public async Task A_message_is_dead_lettered_on_request_and_can_be_sent_again()
    {
        await using var receiver = await SendAsync(BrokerInstance.Queue, "bad");
        await receiver.DeadLetterMessageAsync(
            await ReceiveAsync(receiver), new Dictionary<string, object> { ["extra"] = "added" }, "unreadable", "no such field");

        await using var dead = DeadLetters();
        var letter = await ReceiveAsync(dead);
        Assert.Equal(("unreadable", "no such field", "added"), (letter.DeadLetterReason, letter.DeadLetterErrorDescription, letter.ApplicationProperties["extra"]));
        Assert.Equal(BrokerInstance.Queue, letter.DeadLetterSource);
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage(letter));
        await dead.CompleteMessageAsync(letter);

        var replayed = await ReceiveAsync(receiver);
        Assert.Equal("bad", replayed.Body.ToString());
        Assert.Null(replayed.DeadLetterReason);
    }

    [Fact]
    public async Task A_deferred_message_is_received_by_its_sequence_number_only()
    {
        await using var receiver = await SendAsync(BrokerInstance.Queue, "later");
        var message = await ReceiveAsync(receiver);
        await receiver.DeferMessageAsync(message);
        Assert.Null(await receiver.ReceiveMessageAsync(AMoment));

        var deferred = await receiver.ReceiveDeferredMessageAsync(message.SequenceNumber);
        Assert.Equal("later", deferred.Body.ToString());
        await AssertReasonAsync(ServiceBusFailureReason.MessageNotFound, () => receiver.ReceiveDeferredMessageAsync(message.SequenceNumber));
        await receiver.AbandonMessageAsync(deferred);
        var again = await receiver.ReceiveDeferredMessageAsync(message.SequenceNumber);
        Assert.Equal(2, again.DeliveryCount);
        await receiver.CompleteMessageAsync(again);
        await AssertReasonAsync(ServiceBusFailureReason.MessageNotFound, () => receiver.ReceiveDeferredMessageAsync(message.SequenceNumber));
    }

    [Fact]
    public async Task A_deferred_message_can_be_received_and_deleted_at_once()
    {
        await using var receiver = await SendAsync(BrokerInstance.Queue, "later");
        var message = await ReceiveAsync(receiver);
        await receiver.DeferMessageAsync(message, new Dictionary<string, object> { ["why"] = "busy" });

        await using var deleting = Client.CreateReceiver(
            BrokerInstance.Queue, new ServiceBusReceiverOptions { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete });
        Assert.Equal("busy", (await deleting.ReceiveDeferredMessageAsync(message.SequenceNumber)).ApplicationProperties["why"]);
        Assert.Null(await deleting.PeekMessageAsync(0));
    }

    [Fact]
    public async Task A_lock_that_ended_gives_the_message_to_another_and_its_holder_is_told()
    {
        await using var slow = await SendAsync(BrokerInstance.ShortQueue, "slow");
        var lost = await ReceiveAsync(slow);

        await using var other = Client.CreateReceiver(BrokerInstance.ShortQueue);
        var taken = await ReceiveAsync(other);
        Assert.Equal(("slow", 2), (taken.Body.ToString(), taken.DeliveryCount));
        await AssertReasonAsync(ServiceBusFailureReason.MessageLockLost, () => slow.CompleteMessageAsync(lost));
        await AssertReasonAsync(ServiceBusFailureReason.MessageLockLost, () => slow.AbandonMessageAsync(lost));
        await AssertReasonAsync(ServiceBusFailureReason.MessageLockLost, () => slow.DeadLetterMessageAsync(lost, "late"));
        await AssertReasonAsync(ServiceBusFailureReason.MessageLockLost, () => slow.RenewMessageLockAsync(lost));
        await other.CompleteMessageAsync(taken);
        await AssertReasonAsync(ServiceBusFailureReason.MessageLockLost, () => other.CompleteMessageAsync(taken));
    }

    [Fact]
    public async Task A_renewed_lock_outlives_its_duration()
    {
        await using var receiver = await SendAsync(await CreatePatientQueueAsync(), "long work");
        var message = await ReceiveAsync(receiver);
        var end = DateTimeOffset.UtcNow + PatientLock + TimeSpan.FromSeconds(1);
        while (DateTimeOffset.UtcNow < end)
        {
            var before = message.LockedUntil;
            await Task.Delay(300);
            await receiver.RenewMessageLockAsync(message);
            Assert.True(message.LockedUntil > before);
        }

        await receiver.CompleteMessageAsync(message);
    }

    [Fact]
    public async Task Locks_outlive_the_link_and_are_settled_over_a_new_one()
    {
        var first = await SendAsync(BrokerInstance.Queue, "held");
        var message = await ReceiveAsync(first);
        await first.DisposeAsync();

        await using var otherClient = Broker.CreateClient();
        await using var second = otherClient.CreateReceiver(BrokerInstance.Queue);
        Assert.Null(await second.ReceiveMessageAsync(AMoment));
        await second.RenewMessageLockAsync(message);
        await second.CompleteMessageAsync(message);
        Assert.Null(await second.PeekMessageAsync(0));
    }

    [Fact]
    public async Task Of_many_completions_at_once_only_the_lost_one_fails()
    {
        await using var receiver = await SendAsync(BrokerInstance.Queue, [.. Enumerable.Range(0, 50).Select(i => $"{i}")]);
        var messages = new List<ServiceBusReceivedMessage>();
        while (messages.Count < 50)
        {
            messages.AddRange(await receiver.ReceiveMessagesAsync(50, Soon));
        }

        await receiver.CompleteMessageAsync(messages[17]);
        var results = await Task.WhenAll(messages.Select(async message =>
        {
            try
            {
                await receiver.CompleteMessageAsync(message);
                return ServiceBusFailureReason.GeneralError;
            }
            catch (ServiceBusException exception)
            {
                return exception.Reason;
            }
        }));

        Assert.Equal(ServiceBusFailureReason.MessageLockLost, results[17]);
        Assert.Equal(1, results.Count(result => result == ServiceBusFailureReason.MessageLockLost));
        Assert.Null(await receiver.PeekMessageAsync(0));
    }

    [Fact]
    public async Task Many_messages_past_their_time_to_live_are_dead_lettered_where_nobody_receives()
    {
        const int count = 1200;
        await using var sender = Client.CreateSender(BrokerInstance.ShortQueue);
        await sender.SendMessagesAsync(Enumerable.Range(0, count).Select(i => new ServiceBusMessage($"{i}") { TimeToLive = TimeSpan.FromMilliseconds(200) }));
        var administration = new ServiceBusAdministrationClient(Broker.AdministrationConnectionString);
        await Eventually.TrueAsync(
            async () => (await administration.GetQueueRuntimePropertiesAsync(BrokerInstance.ShortQueue)).Value is { ActiveMessageCount: 0, DeadLetterMessageCount: count },
            "every message is a dead letter");
    }

    private ServiceBusReceiver DeadLetters()
        => Client.CreateReceiver(BrokerInstance.Queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });

    private async Task<ServiceBusReceiver> SendAsync(string queue, params string[] bodies)
    {
        await using var sender = Client.CreateSender(queue);
        await sender.SendMessagesAsync(bodies.Select(body => new ServiceBusMessage(body)));
        return Client.CreateReceiver(queue);
    }
}
