using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>
/// One part of a queue. Its order, its locks and a window of its next messages live in memory; everything durable is in the
/// table. Messages beyond the window are counted, not held, and paged in when receivers come near them.
/// </summary>
internal sealed partial class MessageQueue : IThreadPoolWorkItem
{
    private const int MaxWindowCount = 1_000;
    private const long MaxWindowBytes = 4 * 1024 * 1024;
    private const int PageBelow = 250;
    private const int MaxLocks = 5_000;

    // Locked messages keep small payloads for a quick redelivery; larger ones are read again when needed.
    private const int RetainedPayload = 4 * 1024;

    private const long UnknownCount = long.MaxValue / 2;

    private const int Idle = 0;
    private const int Running = 1;
    private const int Requested = 2;

    private readonly QueueEntity _entity;
    private readonly SessionHold? _session;
    private readonly MessageWriter _writer;
    private readonly MessageStore _store;
    private readonly BrokerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly MessageRouter _router;
    private readonly Action<IReadOnlyList<MessageMove>> _placeMoved;
    private readonly CancellationToken _stopping;

    private readonly Lock _lock = new();
    private readonly Queue<QueuedMessage> _window = new();
    private readonly PriorityQueue<QueuedMessage, long> _returned = new();
    private readonly List<long> _reload = [];
    private readonly Dictionary<Guid, MessageLock> _locks = [];
    private readonly HashSet<long> _lockedDeferred = [];

    // In the order in which they end. Locks last equally long as a rule, so a new or renewed one goes to the end.
    private readonly LinkedList<MessageLock> _expiries = new();

    private readonly List<MessageConsumer> _consumers = [];
    private long _windowBytes;
    private long _loadedUpTo;
    private long _committedUpTo;
    private long _stored;
    private bool _isLoading;
    private Task _deletions = Task.CompletedTask;
    private int _nextConsumer;
    private int _pump;

    internal MessageQueue(QueueEntity entity, QueuePart part, BrokerServices services, SessionHold? session = null)
    {
        _entity = entity;
        _session = session;
        Part = part;
        _writer = services.Writer;
        _store = services.Store;
        _metrics = services.Metrics;
        _time = services.Time;
        _logger = services.Logger;
        _router = services.Router;
        _placeMoved = services.Moved;
        _stopping = services.Stopping;
        Name = part switch
        {
            QueuePart.DeadLetter => entity.Name + EntityNames.DeadLetterSuffix,
            QueuePart.TransferDeadLetter => entity.Name + EntityNames.TransferDeadLetterSuffix,
            _ => entity.Name,
        };
        if (session is not null)
        {
            // Nobody counts a session's messages: there may be any number until the table says that there are no more.
            _stored = UnknownCount;
        }
    }

    internal QueuePart Part { get; }

    /// <summary>The queue's address, in lower case.</summary>
    internal string Name { get; }

    internal QueueEntity Entity => _entity;

    private TimeSpan LockDuration => _entity.Properties.LockDuration;

    /// <summary>What the table holds at the start.</summary>
    internal void Restore(long count, long lastId)
    {
        lock (_lock)
        {
            _stored = count;
            _committedUpTo = lastId;
        }
    }

    /// <summary>Takes durable messages in. Called by the writer in the order of sequence numbers.</summary>
    internal void OnCommitted(IEnumerable<QueuedMessage> messages)
    {
        lock (_lock)
        {
            foreach (var message in messages)
            {
                _committedUpTo = message.Id;
                if (message.Id <= _loadedUpTo || _withdrawn.Contains(message.Id))
                {
                    // A page that was read after the commit brought it already, or it was deleted since.
                    continue;
                }

                if (_stored == 0 && message.Payload is not null && _window.Count < MaxWindowCount && _windowBytes < MaxWindowBytes)
                {
                    AddToWindow(message);
                }
                else
                {
                    _stored++;
                }
            }
        }

        SchedulePump();
    }

    internal void Attach(MessageConsumer consumer)
    {
        lock (_lock)
        {
            _consumers.Add(consumer);
        }
    }

    /// <summary>Whether somebody receives from here.</summary>
    internal bool HasConsumers
    {
        get
        {
            lock (_lock)
            {
                return _consumers.Count > 0;
            }
        }
    }

    /// <summary>Whether it is sure that there is nothing to deliver.</summary>
    internal bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _window.Count + _returned.Count + _reload.Count + _locks.Count + _stored == 0;
            }
        }
    }

    /// <summary>Whether anything was sent here since this object was made.</summary>
    internal bool HasArrivals
    {
        get
        {
            lock (_lock)
            {
                return _committedUpTo > 0;
            }
        }
    }

    /// <summary>Ends all receiving links.</summary>
    internal void CloseConsumers(string condition, string description)
    {
        MessageConsumer[] consumers;
        lock (_lock)
        {
            consumers = [.. _consumers];
        }

        foreach (var consumer in consumers)
        {
            consumer.Close(condition, description);
        }
    }

    internal void Detach(MessageConsumer consumer)
    {
        lock (_lock)
        {
            consumer.Credit = 0;
            _consumers.Remove(consumer);
        }
    }

    /// <summary>A receiver said how far it may be sent to, and whether its credit is to be used up at once.</summary>
    internal void OnFlow(MessageConsumer consumer, uint limit, bool isDraining)
    {
        lock (_lock)
        {
            // Sequence numbers wrap: their distance is what counts.
            consumer.Credit = Math.Max(0, (int)(limit - consumer.DeliveryCount));
            consumer.IsDraining = isDraining;
        }

        SchedulePump();
    }

    /// <summary>Runs the pump on the thread pool; never on a caller's stack, which may hold locks of the AMQP library.</summary>
    internal void SchedulePump()
    {
        if (Interlocked.Exchange(ref _pump, Requested) == Idle)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            Volatile.Write(ref _pump, Running);
            Pump();
        }
        while (Interlocked.CompareExchange(ref _pump, Idle, Running) != Running);
    }

    internal void ReportDepth()
    {
        lock (_lock)
        {
            var inMemory = _window.Count + _returned.Count;
            _metrics.Depth(Name, inMemory + _reload.Count + _stored, _locks.Count, inMemory);
        }
    }

    private void AddToWindow(QueuedMessage message)
    {
        _window.Enqueue(message);
        _windowBytes += message.Size;
        _loadedUpTo = message.Id;
    }
}
