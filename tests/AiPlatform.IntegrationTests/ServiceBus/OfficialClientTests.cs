using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;
using AmqpMessage = Azure.Core.Amqp.AmqpAnnotatedMessage;
using AmqpBody = Azure.Core.Amqp.AmqpMessageBody;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Microsoft's own client for .NET, unmodified, against the broker.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class OfficialClientTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AMoment = TimeSpan.FromMilliseconds(700);

    private BrokerInstance _broker = null!;
    private ServiceBusAdministrationClient _administration = null!;

    private ServiceBusClient Client { get; set; } = null!;

    public async Task InitializeAsync()
    {
        _broker = await BrokerInstance.StartAsync(await postgres.CreateDatabaseAsync("official"));
        Client = new ServiceBusClient(
            _broker.ConnectionString, new ServiceBusClientOptions { RetryOptions = { MaxRetries = 1, Delay = TimeSpan.FromMilliseconds(50), TryTimeout = Soon } });
        _administration = new ServiceBusAdministrationClient(_broker.AdministrationConnectionString);
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await _broker.DisposeAsync();
    }

    [Fact]
    public async Task Ids_of_every_type_are_told_apart_and_repeats_of_each_are_dropped()
    {
        await _administration.CreateQueueAsync(new CreateQueueOptions("once") { RequiresDuplicateDetection = true });
        await using var sender = Client.CreateSender("once");
        var guid = Guid.NewGuid();
        string[] ids = ["7", "8", guid.ToString(), "\u0001u:7"];
        foreach (var id in ids.Concat(ids))
        {
            await sender.SendMessageAsync(new ServiceBusMessage("text") { MessageId = id });
        }

        object[] typed = [7UL, 8UL, guid, new byte[] { 7 }, new byte[] { 8 }, new byte[] { 0, 255 }];
        foreach (var id in typed.Concat(typed))
        {
            await RawAmqp.SendAsync(_broker.Port, BrokerInstance.Key, "once", RawAmqp.Message(id, "typed"));
        }

        Assert.Equal(ids.Length + typed.Length, (await _administration.GetQueueRuntimePropertiesAsync("once")).Value.ActiveMessageCount);
    }

    [Fact]
    public async Task Several_sequences_and_data_sections_come_back_after_abandon_dead_letter_and_forward()
    {
        await _administration.CreateQueueAsync("graves");
        await _administration.CreateQueueAsync(new CreateQueueOptions("sections") { ForwardDeadLetteredMessagesTo = "graves" });
        await using var sender = Client.CreateSender("sections");
        var sequence = new AmqpMessage(AmqpBody.FromSequence([[1, "two"], [3.0], [new byte[] { 4 }]]))
        {
            Footer = { ["footer"] = 1 },
            Header = { Priority = 9 },
            MessageAnnotations = { ["x-own"] = "kept" },
        };
        var data = new AmqpMessage(AmqpBody.FromData([new byte[] { 1 }, new byte[] { 2, 3 }, Array.Empty<byte>()]));
        var message = new ServiceBusMessage();
        var raw = message.GetRawAmqpMessage();
        raw.Body = sequence.Body;
        raw.Footer["footer"] = 1;
        raw.Header.Priority = 9;
        raw.MessageAnnotations["x-own"] = "kept";
        await sender.SendMessageAsync(message);
        var second = new ServiceBusMessage();
        second.GetRawAmqpMessage().Body = data.Body;
        await sender.SendMessageAsync(second);

        await using var receiver = Client.CreateReceiver("sections");
        for (var round = 0; round < 3; round++)
        {
            var received = await ReceiveAsync(receiver);
            AssertSections(received, round);
            var other = await ReceiveAsync(receiver);
            Assert.True(other.GetRawAmqpMessage().Body.TryGetData(out var parts));
            Assert.Equal(["01", "0203", ""], parts!.Select(part => Convert.ToHexString(part.Span)));
            if (round < 2)
            {
                await receiver.AbandonMessageAsync(received, new Dictionary<string, object> { ["round"] = round });
                await receiver.CompleteMessageAsync(other);
                await sender.SendMessageAsync(second);
            }
            else
            {
                await receiver.DeadLetterMessageAsync(received, "no good", "at all");
            }
        }

        await using var graves = Client.CreateReceiver("graves");
        var dead = await ReceiveAsync(graves);
        AssertSections(dead, 3);
        Assert.Equal(("sections", "no good"), (dead.DeadLetterSource, dead.DeadLetterReason));
    }

    [Fact]
    public async Task A_send_to_a_disabled_or_deleted_entity_fails_at_once()
    {
        await _administration.CreateQueueAsync("closing");
        await using var sender = Client.CreateSender("closing");
        await sender.SendMessageAsync(new ServiceBusMessage("x"));
        var queue = (await _administration.GetQueueAsync("closing")).Value;
        queue.Status = EntityStatus.SendDisabled;
        await _administration.UpdateQueueAsync(queue);
        await AssertReasonAsync(ServiceBusFailureReason.MessagingEntityDisabled, () => sender.SendMessageAsync(new ServiceBusMessage("x")).WaitAsync(Soon));
        queue.Status = EntityStatus.Active;
        await _administration.UpdateQueueAsync(queue);
        await sender.SendMessageAsync(new ServiceBusMessage("x")).WaitAsync(Soon);
        await _administration.DeleteQueueAsync("closing");
        await AssertReasonAsync(ServiceBusFailureReason.MessagingEntityNotFound, () => sender.SendMessageAsync(new ServiceBusMessage("x")).WaitAsync(Soon));
    }

    [Fact]
    public async Task Scheduled_messages_are_cancelled_together_or_not_at_all()
    {
        await _administration.CreateQueueAsync(new CreateQueueOptions("later") { RequiresDuplicateDetection = true });
        await using var sender = Client.CreateSender("later");
        var due = DateTimeOffset.UtcNow.AddHours(1);
        var numbers = await sender.ScheduleMessagesAsync([new ServiceBusMessage("a") { MessageId = "a" }, new ServiceBusMessage("b")], due);
        var failure = await Assert.ThrowsAsync<ServiceBusException>(() => sender.CancelScheduledMessagesAsync([.. numbers, 987_654_321]));
        Assert.Equal(ServiceBusFailureReason.MessageNotFound, failure.Reason);
        Assert.Contains("987654321", failure.Message);
        Assert.Equal(2, (await _administration.GetQueueRuntimePropertiesAsync("later")).Value.ScheduledMessageCount);
        await sender.CancelScheduledMessagesAsync(numbers);
        Assert.Equal(0, (await _administration.GetQueueRuntimePropertiesAsync("later")).Value.ScheduledMessageCount);

        // What was taken back was never there.
        await sender.SendMessageAsync(new ServiceBusMessage("a") { MessageId = "a" });
        Assert.Equal(1, (await _administration.GetQueueRuntimePropertiesAsync("later")).Value.ActiveMessageCount);
    }

    [Fact]
    public async Task Duplicates_are_found_among_scheduled_and_forwarded_messages()
    {
        await _administration.CreateQueueAsync(new CreateQueueOptions("target") { RequiresDuplicateDetection = true, DuplicateDetectionHistoryTimeWindow = TimeSpan.FromSeconds(20) });
        await _administration.CreateQueueAsync(new CreateQueueOptions("way") { ForwardTo = "target" });
        await _administration.CreateQueueAsync(new CreateQueueOptions("rejects") { ForwardDeadLetteredMessagesTo = "target" });
        await using var target = Client.CreateSender("target");
        await using var way = Client.CreateSender("way");
        await using var rejects = Client.CreateSender("rejects");
        ServiceBusMessage Same() => new("x") { MessageId = "same" };
        await target.ScheduleMessageAsync(Same(), DateTimeOffset.UtcNow.AddSeconds(1));
        await target.SendMessageAsync(Same());
        await way.SendMessageAsync(Same());
        await way.ScheduleMessageAsync(Same(), DateTimeOffset.UtcNow.AddSeconds(1));
        await rejects.SendMessageAsync(Same());
        await using var rejecting = Client.CreateReceiver("rejects");
        await rejecting.DeadLetterMessageAsync(await ReceiveAsync(rejecting));

        await using var receiver = Client.CreateReceiver("target");
        var received = await ReceiveAsync(receiver);
        Assert.Equal("same", received.MessageId);
        await receiver.CompleteMessageAsync(received);
        Assert.Null(await receiver.ReceiveMessageAsync(TimeSpan.FromSeconds(3)));
        Assert.Equal(0, (await _administration.GetQueueRuntimePropertiesAsync("way")).Value.TotalMessageCount);
    }

    [Fact]
    public async Task A_dead_letter_reason_that_no_frame_holds_costs_the_connection_and_not_the_client()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("x"));
        await RawAmqp.RejectAsync(_broker.Port, BrokerInstance.Key, BrokerInstance.Queue, new string('r', 70_000));
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("y")).WaitAsync(Soon);
        Assert.NotNull(await receiver.ReceiveMessageAsync(Soon));
    }

    [Fact]
    public async Task A_full_queue_takes_no_more_until_messages_are_received()
    {
        await _administration.CreateQueueAsync(new CreateQueueOptions("small") { MaxSizeInMegabytes = 1 });
        await using var sender = Client.CreateSender("small");
        var body = new byte[200_000];
        for (var i = 0; i < 5; i++)
        {
            await sender.SendMessageAsync(new ServiceBusMessage(body));
        }

        await AssertReasonAsync(ServiceBusFailureReason.QuotaExceeded, () => sender.SendMessageAsync(new ServiceBusMessage(body)));
        await AssertReasonAsync(ServiceBusFailureReason.QuotaExceeded, () => sender.ScheduleMessageAsync(new ServiceBusMessage(body), DateTimeOffset.UtcNow.AddHours(1)));
        await using var receiver = Client.CreateReceiver("small");
        await receiver.CompleteMessageAsync(await ReceiveAsync(receiver));
        await sender.SendMessageAsync(new ServiceBusMessage(body));

        // Dead letters take room too, and what is deleted on receipt gives it back.
        await receiver.DeadLetterMessageAsync(await ReceiveAsync(receiver));
        await AssertReasonAsync(ServiceBusFailureReason.QuotaExceeded, () => sender.SendMessageAsync(new ServiceBusMessage(body)));
        await using var deleting = Client.CreateReceiver("small", new ServiceBusReceiverOptions { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete, SubQueue = SubQueue.DeadLetter });
        await ReceiveAsync(deleting);
        await sender.SendMessageAsync(new ServiceBusMessage(body));
    }

    [Fact]
    public async Task A_forwarding_target_must_exist()
    {
        var missing = await Assert.ThrowsAsync<ArgumentException>(() => _administration.CreateQueueAsync(new CreateQueueOptions("lost") { ForwardTo = "nowhere" }));
        Assert.Contains("nowhere", missing.Message);
        Assert.False(await _administration.QueueExistsAsync("lost"));
        await Assert.ThrowsAsync<ArgumentException>(
            () => _administration.CreateQueueAsync(new CreateQueueOptions("lost") { ForwardDeadLetteredMessagesTo = "nowhere" }));
        await _administration.CreateTopicAsync("known");
        await _administration.CreateQueueAsync(new CreateQueueOptions("found") { ForwardTo = "known" });
    }

    [Fact]
    public async Task A_selector_is_refused()
    {
        var refusal = await RawAmqp.AttachWithFilterAsync(_broker.Port, BrokerInstance.Key, BrokerInstance.Queue, "apache.org:selector-filter:string", "colour = 'red'");
        Assert.Equal("amqp:not-implemented", refusal);
    }

    private static void AssertSections(ServiceBusReceivedMessage received, int deliveries)
    {
        var raw = received.GetRawAmqpMessage();
        Assert.True(raw.Body.TryGetSequence(out var sequences));
        Assert.Equal(["1,two", "3", "System.Byte[]"], sequences!.Select(items => string.Join(',', items)));
        Assert.Equal((1, (byte?)9, "kept"), (raw.Footer["footer"], raw.Header.Priority, raw.MessageAnnotations["x-own"]));
        Assert.True(deliveries == 0 || received.ApplicationProperties.ContainsKey("round"));
    }

    private static async Task<ServiceBusReceivedMessage> ReceiveAsync(ServiceBusReceiver receiver)
    {
        var message = await receiver.ReceiveMessageAsync(Soon);
        Assert.NotNull(message);
        return message;
    }

    private static async Task AssertReasonAsync(ServiceBusFailureReason reason, Func<Task> action)
        => Assert.Equal(reason, (await Assert.ThrowsAsync<ServiceBusException>(action)).Reason);
}
