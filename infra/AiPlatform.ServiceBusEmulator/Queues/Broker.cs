using AiPlatform.ServiceBusEmulator.Storage;
using Microsoft.Extensions.Options;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>All queues, their start from the table, and what concerns more than one of them.</summary>
internal sealed class Broker : IDisposable
{
    private const string DeadLetterSuffix = "/$deadletterqueue";
    private const int DuePage = 500;

    private readonly ServiceBusOptions _options;
    private readonly MessageWriter _writer;
    private readonly MessageStore _store;
    private readonly BrokerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly BrokerServices _services;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _dueLock = new();
    private Dictionary<string, QueueEntity> _queues = [];
    private Dictionary<int, QueueEntity> _queuesById = [];
    private DateTime _nextDue = DateTime.MaxValue;
    private long _inFlight;

    public Broker(IOptions<ServiceBusOptions> options, MessageWriter writer, MessageStore store, BrokerMetrics metrics, TimeProvider time, ILogger<Broker> logger)
    {
        _options = options.Value;
        _writer = writer;
        _store = store;
        _metrics = metrics;
        _time = time;
        _services = new BrokerServices(writer, store, metrics, time, logger, _stopping.Token);
    }

    /// <summary>Ends when the queues are owned and known.</summary>
    internal Task Started => _started.Task;

    internal IEnumerable<QueueEntity> Queues => _queues.Values;

    /// <summary>Becomes the owner and learns from the table what there is.</summary>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        await _writer.AcquireAsync(cancellationToken);
        var ids = await _store.EnsureQueuesAsync(_options.Queues.Select(queue => queue.Name.ToLowerInvariant()), cancellationToken);
        var queues = _options.Queues.ConvertAll(queue => new QueueEntity(ids[queue.Name.ToLowerInvariant()], queue, _services));
        _queuesById = queues.ToDictionary(queue => queue.Id);
        foreach (var extent in await _store.ReadExtentsAsync(cancellationToken))
        {
            if (_queuesById.TryGetValue(extent.QueueId, out var queue))
            {
                (extent.Part == QueuePart.Main ? queue.Messages : queue.DeadLetters).Restore(extent.Count, extent.LastId);
            }
        }

        NoteDue(await _store.ReadNextDueAsync([.. _queuesById.Keys], cancellationToken));
        _queues = queues.ToDictionary(queue => queue.Name);
        _started.TrySetResult();
    }

    /// <summary>Finds a queue part by its address; null when it is not configured.</summary>
    internal MessageQueue? Find(string address)
    {
        var name = address.ToLowerInvariant();
        return name.EndsWith(DeadLetterSuffix, StringComparison.Ordinal)
            ? _queues.GetValueOrDefault(name[..^DeadLetterSuffix.Length])?.DeadLetters
            : _queues.GetValueOrDefault(name)?.Messages;
    }

    /// <summary>Makes messages durable and available; their sequence numbers are set.</summary>
    /// <exception cref="BrokerBusyException">Too much is waiting to become durable.</exception>
    internal async Task SendAsync(MessageQueue queue, IReadOnlyList<QueuedMessage> messages)
    {
        var bytes = messages.Sum(message => (long)message.Size);
        if (Interlocked.Add(ref _inFlight, bytes) > _options.MaxInFlightBytes && bytes < Volatile.Read(ref _inFlight))
        {
            Interlocked.Add(ref _inFlight, -bytes);
            throw new BrokerBusyException();
        }

        try
        {
            await _writer.WriteAsync(new InsertOperation(messages, committed => OnInserted(queue, committed)));
            _metrics.Received(queue.Name, messages.Count);
        }
        finally
        {
            Interlocked.Add(ref _inFlight, -bytes);
        }
    }

    /// <summary>Takes scheduled messages back; false when one of them is no longer scheduled.</summary>
    internal async Task<bool> CancelScheduledAsync(MessageQueue queue, long[] ids)
    {
        var operation = new CancelOperation(queue.Entity.Id, ids);
        await _writer.WriteAsync(operation);
        return operation.Cancelled == ids.Distinct().Count();
    }

    internal Task<List<QueuedMessage>> PeekAsync(MessageQueue queue, long fromId, int maxCount, CancellationToken cancellationToken)
        => _store.PeekAsync(queue.Entity.Id, queue.Part, fromId, maxCount, cancellationToken);

    /// <summary>Enqueues scheduled messages whose time has come; true when there may be more.</summary>
    internal async Task<bool> EnqueueDueAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        lock (_dueLock)
        {
            if (_nextDue > now)
            {
                return false;
            }

            // A message that is scheduled while the table is read moves it forward again.
            _nextDue = DateTime.MaxValue;
        }

        try
        {
            var due = await _store.ReadDueAsync([.. _queuesById.Keys], now, DuePage, cancellationToken);
            var moves = due
                .Select(message => new MessageMove(message.Id, MessageState.Scheduled, message.MovedTo(QueuePart.Main, now, message.Payload)))
                .ToList();
            if (moves.Count > 0)
            {
                await _writer.WriteAsync(new MoveOperation(moves, OnMoved));
            }

            NoteDue(await _store.ReadNextDueAsync([.. _queuesById.Keys], cancellationToken));
            return moves.Count > 0;
        }
        catch
        {
            NoteDue(now);
            throw;
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void OnInserted(MessageQueue queue, IReadOnlyList<QueuedMessage> messages)
    {
        queue.OnCommitted(messages.Where(message => message.State == MessageState.Active));
        foreach (var message in messages)
        {
            if (message.State == MessageState.Scheduled)
            {
                NoteDue(message.VisibleAt);
            }
        }
    }

    private void OnMoved(IReadOnlyList<MessageMove> moves)
    {
        foreach (var group in moves.GroupBy(move => move.Target.QueueId))
        {
            _queuesById[group.Key].Messages.OnCommitted(group.Select(move => move.Target));
        }
    }

    private void NoteDue(DateTime? due)
    {
        lock (_dueLock)
        {
            if (due < _nextDue)
            {
                _nextDue = due.Value;
            }
        }
    }
}

/// <summary>Too much is waiting to become durable; the sender is to try again later.</summary>
internal sealed class BrokerBusyException() : InvalidOperationException("The broker is busy; try again later.");
