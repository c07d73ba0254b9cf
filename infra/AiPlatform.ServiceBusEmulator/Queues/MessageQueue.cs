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

    private const int Idle = 0;
    private const int Running = 1;
    private const int Requested = 2;

    private readonly QueueEntity _entity;
    private readonly MessageWriter _writer;
    private readonly MessageStore _store;
    private readonly BrokerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationToken _stopping;

    private readonly Lock _lock = new();
    private readonly Queue<QueuedMessage> _window = new();
    private readonly PriorityQueue<QueuedMessage, long> _returned = new();
    private readonly List<long> _reload = [];
    private readonly Dictionary<Guid, MessageLock> _locks = [];
    private readonly HashSet<long> _lockedDeferred = [];
    
    // Every lock lasts equally long, so a new or renewed lock is always the last to end.
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

    internal MessageQueue(QueueEntity entity, QueuePart part, BrokerServices services)
    {
        _entity = entity;
        Part = part;
        _writer = services.Writer;
        _store = services.Store;
        _metrics = services.Metrics;
        _time = services.Time;
        _logger = services.Logger;
        _stopping = services.Stopping;
        Name = part == QueuePart.Main ? entity.Name : entity.Name + "/$deadletterqueue";
    }

    internal QueuePart Part { get; }

    /// <summary>The queue's address, in lower case.</summary>
    internal string Name { get; }

    internal QueueEntity Entity => _entity;

    private TimeSpan LockDuration => TimeSpan.FromSeconds(_entity.Options.LockDurationSeconds);

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
                if (message.Id <= _loadedUpTo)
                {
                    // A page that was read after the commit brought it already.
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
