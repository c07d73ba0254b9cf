using System.Collections.Concurrent;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

[Collection(ServiceBusCollection.Name)]
public sealed class SessionTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    [Fact]
    public async Task A_session_is_received_in_order_by_one_receiver_and_keeps_its_state()
    {
        await SendAsync(("a", "1"), ("b", "2"), ("a", "3"));
        await using (var session = await Client.AcceptSessionAsync(BrokerInstance.SessionQueue, "a"))
        {
            Assert.Equal("a", session.SessionId);
            Assert.True(session.SessionLockedUntil > DateTimeOffset.UtcNow);
            var refused = await Assert.ThrowsAsync<ServiceBusException>(() => Client.AcceptSessionAsync(BrokerInstance.SessionQueue, "a"));
            Assert.Equal(ServiceBusFailureReason.SessionCannotBeLocked, refused.Reason);
            Assert.Null(await session.GetSessionStateAsync());
            await session.SetSessionStateAsync(BinaryData.FromString("half"));
            foreach (var body in (string[])["1", "3"])
            {
                var message = (await session.ReceiveMessageAsync(Soon))!;
                Assert.Equal((body, "a"), (message.Body.ToString(), message.SessionId));
                await session.CompleteMessageAsync(message);
            }

            Assert.Null(await session.ReceiveMessageAsync(AMoment));
        }

        await using var next = await Client.AcceptNextSessionAsync(BrokerInstance.SessionQueue);
        Assert.Equal("b", next.SessionId);
        var again = await AcceptAgainAsync("a");
        Assert.Equal("half", (await again.GetSessionStateAsync())!.ToString());
        await again.SetSessionStateAsync(null);
        Assert.Null(await again.GetSessionStateAsync());
        await again.DisposeAsync();
    }

    [Fact]
    public async Task A_session_whose_lock_ended_is_told_to_its_holder()
    {
        await SendAsync(("lost", "x"));
        await using var holder = await Client.AcceptSessionAsync(BrokerInstance.SessionQueue, "lost");
        var message = (await holder.ReceiveMessageAsync(Soon))!;
        await holder.RenewSessionLockAsync();
        await using var second = await Client.AcceptNextSessionAsync(BrokerInstance.SessionQueue);
        Assert.Equal("lost", second.SessionId);

        // The link of the holder is closed, and its receiver with it.
        await Eventually.TrueAsync(() => Task.FromResult(holder.IsClosed), "the holder is told");
        await Assert.ThrowsAsync<ObjectDisposedException>(() => holder.CompleteMessageAsync(message));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => holder.ReceiveMessageAsync(Soon));
        var taken = (await second.ReceiveMessageAsync(Soon))!;
        Assert.Equal(2, taken.DeliveryCount);
        await second.CompleteMessageAsync(taken);
    }

    [Fact]
    public async Task The_link_of_a_session_whose_lock_ended_says_so()
    {
        await SendAsync(("told", "x"));
        Assert.Equal("com.microsoft:session-lock-lost", await RawAmqp.SessionEndAsync(Broker.Port, BrokerInstance.Key, BrokerInstance.SessionQueue, "told"));
    }

    [Fact]
    public async Task Sessions_are_processed_side_by_side_each_in_order_with_renewed_locks()
    {
        const int sessions = 6;
        const int messages = 5;
        var name = await CreatePatientQueueAsync(requiresSession: true);
        for (var i = 0; i < messages; i++)
        {
            await SendToAsync(name, [.. Enumerable.Range(0, sessions).Select(s => ($"p{s}", $"{i}"))]);
        }

        var order = new ConcurrentDictionary<string, ConcurrentQueue<string>>();
        var opened = new ConcurrentBag<string>();
        var errors = new ConcurrentQueue<Exception>();
        await using var processor = Client.CreateSessionProcessor(
            name,
            new ServiceBusSessionProcessorOptions { MaxConcurrentSessions = 3, SessionIdleTimeout = TimeSpan.FromMilliseconds(200) });
        processor.SessionInitializingAsync += args =>
        {
            opened.Add(args.SessionId);
            return Task.CompletedTask;
        };
        processor.ProcessMessageAsync += async args =>
        {
            // One handler outlasts the session's lock.
            await Task.Delay(args.Message.Body.ToString() == "0" && args.SessionId == "p0" ? PatientLock + TimeSpan.FromSeconds(1) : TimeSpan.FromMilliseconds(5), args.CancellationToken);
            order.GetOrAdd(args.SessionId, static _ => new ConcurrentQueue<string>()).Enqueue(args.Message.Body.ToString());
        };
        processor.ProcessErrorAsync += args =>
        {
            errors.Enqueue(args.Exception);
            return Task.CompletedTask;
        };
        await processor.StartProcessingAsync();
        await Eventually.TrueAsync(() => Task.FromResult(order.Values.Sum(queue => queue.Count) == sessions * messages), "all messages were handled");
        await processor.StopProcessingAsync();
        Assert.Empty(errors);
        Assert.All(order.Values, handled => Assert.Equal(Enumerable.Range(0, messages).Select(i => $"{i}"), handled));
        Assert.Equal(sessions, opened.Distinct().Count());
    }

    [Fact]
    public async Task Accepting_that_is_cancelled_leaves_the_sessions_of_its_connection_alone()
    {
        await using var held = await Client.AcceptSessionAsync(BrokerInstance.SessionQueue, "held");
        for (var wait = 0; wait < 60; wait++)
        {
            using var cancellation = new CancellationTokenSource();
            var accepting = Enumerable.Range(0, 3).Select(_ => Client.AcceptNextSessionAsync(BrokerInstance.SessionQueue, cancellationToken: cancellation.Token)).ToList();
            await Task.Delay(wait % 20);
            await cancellation.CancelAsync();
            foreach (var accept in accepting)
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept);
            }

            await held.RenewSessionLockAsync();
        }
    }

    private Task SendAsync(params (string Session, string Body)[] messages) => SendToAsync(BrokerInstance.SessionQueue, messages);

    private async Task SendToAsync(string queue, params (string Session, string Body)[] messages)
    {
        await using var sender = Client.CreateSender(queue);
        await sender.SendMessagesAsync(messages.Select(message => new ServiceBusMessage(message.Body) { SessionId = message.Session }));
    }

    // A session that was given back is free a moment later.
    private async Task<ServiceBusSessionReceiver> AcceptAgainAsync(string id)
    {
        ServiceBusSessionReceiver? receiver = null;
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    receiver = await Client.AcceptSessionAsync(BrokerInstance.SessionQueue, id);
                    return true;
                }
                catch (ServiceBusException exception) when (exception.Reason == ServiceBusFailureReason.SessionCannotBeLocked)
                {
                    return false;
                }
            },
            "the session is free");
        return receiver!;
    }
}
