using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>Hands a queue's messages to its receivers, who take turns, and reads more from the table before they run out.</summary>
internal sealed partial class MessagePump(QueueContext context, MessageWindow window, MessageLocks locks) : IThreadPoolWorkItem
{
    private const int Idle = 0;
    private const int Running = 1;
    private const int Requested = 2;

    private readonly List<MessageConsumer> _consumers = [];
    private Task _deletions = Task.CompletedTask;
    private int _next;
    private int _state;

    /// <summary>What becomes of messages that a receiver did not get.</summary>
    internal required MessageOutcomes Outcomes { private get; init; }

    /// <summary>The receiving links. Called with the gate held.</summary>
    internal List<MessageConsumer> Consumers => _consumers;

    /// <summary>Runs on the thread pool; never on a caller's stack, which may hold locks of the AMQP library.</summary>
    internal void Wake()
    {
        if (Interlocked.Exchange(ref _state, Requested) == Idle)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            Volatile.Write(ref _state, Running);
            Pump();
        }
        while (Interlocked.CompareExchange(ref _state, Idle, Running) != Running);
    }

    /// <summary>Makes a message available again that its receiver did not act on: its delivery does not count.</summary>
    internal bool Release(Guid token)
    {
        lock (context.Gate)
        {
            if (!locks.IsHeld(token, context.Now))
            {
                return false;
            }

            var taken = locks[token];
            locks.Remove(taken);
            window.PutBack(taken.Message);
        }

        Wake();
        return true;
    }

    private void Pump()
    {
        try
        {
            List<(MessageConsumer Consumer, Delivery Delivery)>? deleted = null;
            while (TryTake(out var consumer, out var delivery))
            {
                if (consumer.DeletesOnReceive)
                {
                    (deleted ??= []).Add((consumer, delivery));
                }
                else if (!consumer.Deliver(delivery))
                {
                    Release(delivery.LockToken);
                }
                else
                {
                    context.Services.Metrics.Delivered(context.Name);
                }
            }

            if (deleted is not null)
            {
                _deletions = DeliverDeletedAsync(_deletions, deleted);
            }

            FinishDrains();
            StartLoading();
        }
        catch (Exception exception)
        {
            // One receiver's broken link must not stop the queue for the others.
            LogPumpFailed(context.Services.Logger, exception, context.Name);
        }
    }

    private bool TryTake(out MessageConsumer consumer, out Delivery delivery)
    {
        lock (context.Gate)
        {
            while (NextConsumer() is { } next && window.TryTake(out var message))
            {
                var now = context.Now;
                if (message.ExpiresAt <= now)
                {
                    _ = Outcomes.BeginExpiry(message, now);
                    continue;
                }

                next.Credit--;
                next.DeliveryCount++;
                consumer = next;
                var payload = message.Payload!;
                if (next.DeletesOnReceive)
                {
                    next.PendingDeletions++;
                    delivery = new Delivery(message, payload, Guid.Empty, default);
                    return true;
                }

                var taken = locks.Add(message, now);
                delivery = new Delivery(message, payload, taken.Token, taken.Until);
                return true;
            }

            consumer = null!;
            delivery = default;
            return false;
        }
    }

    // Receivers take turns.
    private MessageConsumer? NextConsumer()
    {
        if (window.InMemory == 0 || !context.Entity.Properties.CanReceive || context.Session is { IsLost: true })
        {
            return null;
        }

        for (var i = 0; i < _consumers.Count; i++)
        {
            var candidate = _consumers[(_next + i) % _consumers.Count];
            if (candidate.Credit > 0 && candidate.IsWritable && (candidate.DeletesOnReceive || !locks.IsFull))
            {
                _next = (_next + i + 1) % _consumers.Count;
                return candidate;
            }
        }

        return null;
    }

    private void FinishDrains()
    {
        List<MessageConsumer>? drained = null;
        lock (context.Gate)
        {
            // While messages are on their way from the table the receiver may still get some.
            if (window.Count > 0 && !locks.IsFull && _consumers.Exists(static consumer => consumer is { IsDraining: true, Credit: > 0, IsWritable: true }))
            {
                return;
            }

            foreach (var consumer in _consumers)
            {
                if (consumer is { IsDraining: true, PendingDeletions: 0 })
                {
                    consumer.IsDraining = false;
                    consumer.Credit = 0;
                    (drained ??= []).Add(consumer);
                }
            }
        }

        drained?.ForEach(static consumer => consumer.FinishDrain());
    }

    // At most once: the messages are gone from the table before they are on the wire. One group after the other, in order.
    private async Task DeliverDeletedAsync(Task previous, List<(MessageConsumer Consumer, Delivery Delivery)> deleted)
    {
        await previous;
        try
        {
            await context.Services.Writer.WriteAsync(new DeleteOperation([.. deleted.Select(item => item.Delivery.Message.Id)]));
            context.Entity.AddBytes(-deleted.Sum(static item => (long)item.Delivery.Message.Bytes));
            context.Services.Metrics.Settled(context.Name, "deleted", deleted.Count);
            foreach (var (consumer, delivery) in deleted)
            {
                if (consumer.Deliver(delivery))
                {
                    context.Services.Metrics.Delivered(context.Name);
                }

                lock (context.Gate)
                {
                    consumer.PendingDeletions--;
                }
            }

            FinishDrains();
        }
        catch (Exception exception)
        {
            LogDeletionFailed(context.Services.Logger, exception, context.Name);
        }
    }

    private void StartLoading()
    {
        WindowLoad? load;
        lock (context.Gate)
        {
            load = _consumers.Count == 0 ? null : window.BeginLoad();
        }

        if (load is not null)
        {
            _ = LoadAsync(load);
        }
    }

    private async Task LoadAsync(WindowLoad load)
    {
        var services = context.Services;
        try
        {
            var messages = load.Ids.Length > 0
                ? await services.Store.ReadByIdAsync(context.Entity.Id, context.Part, load.Ids, services.Stopping)
                : await services.Store.ReadPageAsync(context.Entity.Id, context.Part, context.Session?.Id, load.After, MessageWindow.MaxCount, services.Stopping);
            lock (context.Gate)
            {
                window.Take(load, messages);
            }
        }
        catch (Exception exception)
        {
            if (services.Stopping.IsCancellationRequested)
            {
                return;
            }

            LogLoadFailed(services.Logger, exception, context.Name);
            await Task.Delay(TimeSpan.FromMilliseconds(200 + Random.Shared.Next(300)), services.Time, CancellationToken.None);
        }

        lock (context.Gate)
        {
            window.EndLoad();
        }

        Wake();
    }

    [LoggerMessage(10, LogLevel.Error, "Delivering from {Queue} failed")]
    private static partial void LogPumpFailed(ILogger logger, Exception exception, string queue);

    [LoggerMessage(11, LogLevel.Warning, "Reading messages of {Queue} failed; it is repeated")]
    private static partial void LogLoadFailed(ILogger logger, Exception exception, string queue);

    [LoggerMessage(13, LogLevel.Error, "Deleting messages of {Queue} before they are sent failed")]
    private static partial void LogDeletionFailed(ILogger logger, Exception exception, string queue);
}
