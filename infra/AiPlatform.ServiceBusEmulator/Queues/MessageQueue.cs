namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>
/// One part of a queue. Its order, its locks and a window of its next messages live in memory; everything durable is in the
/// table. Messages beyond the window are counted, not held, and paged in when receivers come near them.
/// </summary>
internal sealed class MessageQueue
{
    private const int DeletionPage = 500;
    private static readonly TimeSpan SettlementPoll = TimeSpan.FromMilliseconds(10);

    private readonly QueueContext _context;
    private readonly MessageWindow _window;
    private readonly MessageLocks _locks;
    private readonly MessageOutcomes _outcomes;
    private readonly MessagePump _pump;

    internal MessageQueue(QueueEntity entity, QueuePart part, BrokerServices services, SessionHold? session = null)
    {
        _context = new QueueContext(entity, part, services, session);
        _window = new MessageWindow(isSession: session is not null);
        _locks = new MessageLocks(_context);
        _outcomes = new MessageOutcomes(_context, _window, _locks, Wake);
        _pump = new MessagePump(_context, _window, _locks) { Outcomes = _outcomes };
    }

    internal QueuePart Part => _context.Part;

    /// <summary>The queue's address, in lower case.</summary>
    internal string Name => _context.Name;

    internal QueueEntity Entity => _context.Entity;

    /// <summary>Whether somebody receives from here.</summary>
    internal bool HasConsumers
    {
        get
        {
            lock (_context.Gate)
            {
                return _pump.Consumers.Count > 0;
            }
        }
    }

    /// <summary>Whether it is sure that there is nothing to deliver.</summary>
    internal bool IsEmpty
    {
        get
        {
            lock (_context.Gate)
            {
                return _window.Count + _locks.Count == 0;
            }
        }
    }

    /// <summary>Whether anything was sent here since this object was made.</summary>
    internal bool HasArrivals
    {
        get
        {
            lock (_context.Gate)
            {
                return _window.HasArrivals;
            }
        }
    }

    /// <summary>When the next lock ends; the end of time when there is none.</summary>
    internal DateTime NextExpiry
    {
        get
        {
            lock (_context.Gate)
            {
                return _locks.NextExpiry;
            }
        }
    }

    /// <summary>What the table holds at the start.</summary>
    internal void Restore(long count, long lastId)
    {
        lock (_context.Gate)
        {
            _window.Restore(count, lastId);
        }
    }

    /// <summary>Takes durable messages in. Called by the writer in the order of sequence numbers.</summary>
    internal void OnCommitted(IEnumerable<QueuedMessage> messages)
    {
        lock (_context.Gate)
        {
            foreach (var message in messages)
            {
                _window.OnCommitted(message);
            }
        }

        Wake();
    }

    internal void Attach(MessageConsumer consumer)
    {
        lock (_context.Gate)
        {
            _pump.Consumers.Add(consumer);
        }
    }

    internal void Detach(MessageConsumer consumer)
    {
        lock (_context.Gate)
        {
            consumer.Credit = 0;
            _pump.Consumers.Remove(consumer);
        }
    }

    /// <summary>Ends all receiving links.</summary>
    internal void CloseConsumers(string condition, string description)
    {
        MessageConsumer[] consumers;
        lock (_context.Gate)
        {
            consumers = [.. _pump.Consumers];
        }

        foreach (var consumer in consumers)
        {
            consumer.Close(condition, description);
        }
    }

    /// <summary>A receiver said how far it may be sent to, and whether its credit is to be used up at once.</summary>
    internal void OnFlow(MessageConsumer consumer, uint limit, bool isDraining)
    {
        lock (_context.Gate)
        {
            // Sequence numbers wrap: their distance is what counts.
            consumer.Credit = Math.Max(0, (int)(limit - consumer.DeliveryCount));
            consumer.IsDraining = isDraining;
        }

        Wake();
    }

    /// <summary>Looks whether there is something to deliver, on the thread pool.</summary>
    internal void Wake() => _pump.Wake();

    /// <summary>Moves the ends of locks on; null when one of them is lost.</summary>
    internal DateTime[]? Renew(IReadOnlyList<Guid> tokens)
    {
        lock (_context.Gate)
        {
            return _locks.Renew(tokens, _context.Now);
        }
    }

    /// <summary>Makes a message available again that its receiver did not act on: its delivery does not count.</summary>
    internal bool Release(Guid token) => _pump.Release(token);

    /// <summary>Applies an outcome to locked messages: to all of them, or to none when one lock is lost. True when it is durable.</summary>
    internal Task<bool> SettleAsync(IReadOnlyList<Guid> tokens, Outcome outcome) => _outcomes.SettleAsync(tokens, outcome);

    /// <summary>Prepares an outcome; null when a lock is lost. The caller writes or undoes it.</summary>
    internal Task<Settlement?> BeginAsync(IReadOnlyList<Guid> tokens, Outcome outcome) => _outcomes.BeginAsync(tokens, outcome);

    /// <summary>Begins to end a message whose time to live is over, unless a receiver holds it.</summary>
    /// <param name="ended">Ends when what becomes of the message is durable.</param>
    internal bool TryExpire(QueuedMessage message, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Task? ended) => _outcomes.TryExpire(message, out ended);

    /// <summary>Locks deferred messages by their sequence numbers; null when one is not there or is locked.</summary>
    internal async Task<List<Delivery>?> ReceiveDeferredAsync(long[] ids, bool deletes, CancellationToken cancellationToken)
    {
        var messages = await _context.Services.Store.ReadByIdAsync(Entity.Id, Part, ids, cancellationToken);
        if (messages.Count != ids.Distinct().Count()
            || messages.Exists(message => message.State != MessageState.Deferred || (_context.Session is { } session && message.SessionId != session.Id)))
        {
            return null;
        }

        var (result, held) = (new List<Delivery>(messages.Count), new List<MessageLock>(messages.Count));
        lock (_context.Gate)
        {
            if (messages.Exists(message => _locks.HoldsDeferred(message.Id)))
            {
                return null;
            }

            var now = _context.Now;
            foreach (var message in messages)
            {
                var payload = message.Payload!;
                var taken = _locks.Add(message, now);
                taken.IsSettling = deletes;
                held.Add(taken);
                result.Add(new Delivery(message, payload, taken.Token, taken.Until));
            }
        }

        if (deletes)
        {
            await _outcomes.Completion(held, "deleted").WriteAsync(_context.Services.Writer);
        }

        return result;
    }

    /// <summary>Takes back locks that have ended.</summary>
    internal void ExpireLocks()
    {
        if (_context.Session is not null)
        {
            return;
        }

        List<MessageLock>? expired;
        lock (_context.Gate)
        {
            expired = _locks.TakeExpired(_context.Now);
        }

        if (expired is not null)
        {
            _ = _outcomes.ReturnExpiredAsync(expired);
        }
    }

    /// <summary>
    /// Ends what a session's holder had: waits for outcomes that are being written, then lets the messages go. When the lock has
    /// expired, the deliveries count; when the session was closed, they do not.
    /// </summary>
    internal async Task EndSessionAsync(bool isExpired)
    {
        while (true)
        {
            List<MessageLock> open;
            lock (_context.Gate)
            {
                open = [.. _locks.All.Where(static taken => !taken.IsSettling)];
                if (_locks.Count == open.Count && (open.Count == 0 || !isExpired))
                {
                    return;
                }

                if (isExpired)
                {
                    open.ForEach(static taken => taken.IsSettling = true);
                }
            }

            if (isExpired && open.Count > 0)
            {
                await _outcomes.ReturnExpiredAsync(open);
            }

            await Task.Delay(SettlementPoll, _context.Services.Time, _context.Services.Stopping);
        }
    }

    /// <summary>Deletes messages that can be delivered and that nobody holds, oldest first; says how many.</summary>
    /// <param name="count">The most that are deleted.</param>
    /// <param name="before">Only those that came before this moment.</param>
    /// <param name="cancellationToken">Ends the work between two pages.</param>
    internal async Task<int> DeleteAsync(int count, DateTime before, CancellationToken cancellationToken)
    {
        var (store, deleted, after) = (_context.Services.Store, 0, 0L);
        while (deleted < count
            && await store.ReadDeliverableAsync(Entity.Id, Part, _context.Session?.Id, after, before, Math.Min(DeletionPage, count - deleted), cancellationToken) is { Count: > 0 } page)
        {
            after = page[^1].Id;
            if (Withdraw(page) is { Count: > 0 } withdrawn)
            {
                await _outcomes.Completion(withdrawn, "purged").WriteAsync(_context.Services.Writer);
                lock (_context.Gate)
                {
                    _window.EndWithdrawal(withdrawn.Select(static taken => taken.Message.Id));
                }

                deleted += withdrawn.Count;
            }
        }

        return deleted;
    }

    internal void ReportDepth()
    {
        lock (_context.Gate)
        {
            _context.Services.Metrics.Depth(Name, _window.Count, _locks.Count, _window.InMemory);
        }
    }

    // Those that are neither locked nor settled since they were read leave memory, under locks that nobody has the tokens of.
    private List<MessageLock> Withdraw(List<QueuedMessage> page)
    {
        lock (_context.Gate)
        {
            var held = _locks.All.Select(static taken => taken.Message.Id).ToHashSet();
            var now = _context.Now;
            return _window.Withdraw(page, held).ConvertAll(message =>
            {
                var taken = _locks.Add(message, now);
                taken.IsSettling = true;
                return taken;
            });
        }
    }
}
