using AiPlatform.ServiceBusEmulator.Configuration;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Storage;
using Microsoft.Extensions.Options;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>All entities' messages: their start from the table, and what concerns more than one entity.</summary>
internal sealed class Broker : IDisposable
{
    private const int DuePage = 500;
    private const string ForgetIds = "DELETE FROM message_history WHERE queue_id = $1 AND message_id = ANY($2)";

    private readonly ServiceBusOptions _options;
    private readonly MessageWriter _writer;
    private readonly MessageStore _store;
    private readonly BrokerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly EntityCatalog _catalog;
    private readonly MessageRouter _router;
    private readonly BrokerServices _services;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _dueLock = new();
    private DateTime _nextDue = DateTime.MaxValue;
    private DateTime _nextExpiry = DateTime.MinValue;
    private long _inFlight;

    public Broker(
        IOptions<ServiceBusOptions> options,
        EntityCatalog catalog,
        MessageWriter writer,
        MessageStore store,
        BrokerMetrics metrics,
        TimeProvider time,
        ILogger<Broker> logger)
    {
        _options = options.Value;
        _catalog = catalog;
        _writer = writer;
        _store = store;
        _metrics = metrics;
        _time = time;
        _router = new MessageRouter(catalog, time);
        _services = new BrokerServices(writer, store, metrics, time, logger, _router, OnMoved, _stopping.Token);
    }

    /// <summary>Ends when the entities are owned and known.</summary>
    internal Task Started => _started.Task;

    internal EntityCatalog Catalog => _catalog;

    internal MessageWriter Writer => _writer;

    internal MessageStore Store => _store;

    /// <summary>A scheduled message came that is due before all others.</summary>
    internal event Action? DueSooner;

    /// <summary>When something happens by time alone: a lock ends, or a scheduled message is due.</summary>
    internal DateTime NextMoment()
    {
        DateTime next;
        lock (_dueLock)
        {
            next = _nextDue;
        }

        foreach (var queue in _catalog.Queues)
        {
            var expiry = queue.NextExpiry;
            next = expiry < next ? expiry : next;
        }

        return next;
    }

    /// <summary>Becomes the owner and learns from the table what there is.</summary>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        await _writer.AcquireAsync(cancellationToken);
        await _catalog.StartAsync(_services, ConfiguredEntities.Read(_options), cancellationToken);
        foreach (var extent in await _store.ReadExtentsAsync(cancellationToken))
        {
            // Sessions look for their messages when they are accepted.
            if (_catalog.Find(extent.QueueId) is QueueEntity queue && (queue.Sessions is null || extent.Part != QueuePart.Main))
            {
                queue.Part(extent.Part).Restore(extent.Count, extent.LastId);
            }
        }

        foreach (var (queueId, bytes) in await _store.ReadSizesAsync(cancellationToken))
        {
            _catalog.Find(queueId)?.AddBytes(bytes);
        }

        _ = _store.PurgeUnknownAsync(_stopping.Token);
        NoteDue(await _store.ReadNextDueAsync(Ids(), cancellationToken));
        _started.TrySetResult();
    }

    /// <summary>Makes messages durable in all places where they belong; sequence numbers are set.</summary>
    /// <exception cref="BrokerBusyException">Too much is waiting to become durable.</exception>
    /// <exception cref="QuotaExceededException">The entity is full.</exception>
    internal async Task SendAsync(Entity entity, IReadOnlyList<QueuedMessage> messages)
    {
        var bytes = messages.Sum(message => (long)message.Size);
        if (Interlocked.Add(ref _inFlight, bytes) > _options.MaxInFlightBytes && bytes < Volatile.Read(ref _inFlight))
        {
            Interlocked.Add(ref _inFlight, -bytes);
            throw new BrokerBusyException();
        }

        try
        {
            await _writer.WriteAsync(BeginSend(entity, messages));
        }
        finally
        {
            Interlocked.Add(ref _inFlight, -bytes);
        }
    }

    /// <summary>Prepares a send: alone, or together with the other work of a transaction.</summary>
    /// <exception cref="QuotaExceededException">The entity is full.</exception>
    internal WriteOperation BeginSend(Entity entity, IReadOnlyList<QueuedMessage> messages)
    {
        if (entity.SizeBytes + messages.Sum(static message => (long)message.Bytes) > entity.MaxSizeBytes)
        {
            throw new QuotaExceededException(entity.Name, entity.Properties.MaxSizeInMegabytes);
        }

        entity.Touch(_time.GetUtcNow().UtcDateTime);
        var placed = new List<QueuedMessage>(messages.Count);
        foreach (var message in messages)
        {
            if (message.State == MessageState.Scheduled)
            {
                // Rules and forwarding are applied when its time comes; whether it is new is asked now.
                _router.CheckDuplicate(entity, message);
                placed.Add(message.At(entity.Id, QueuePart.Main, message.SessionId));
            }
            else
            {
                placed.AddRange(_router.Route(entity, message));
            }
        }

        return new InsertOperation(placed, committed =>
        {
            _metrics.Received(entity.Name, messages.Count);
            OnPlaced(committed);
        });
    }

    /// <summary>Takes scheduled messages back: all of them, or none. The numbers that are not scheduled, or no longer; empty when all were taken back.</summary>
    internal async Task<IReadOnlyList<long>> CancelScheduledAsync(Entity entity, long[] ids)
    {
        var (missing, bytes, messageIds) = (ids.ToHashSet(), 0L, new List<string>());
        while (missing.Count > 0 && await _store.ReadByIdAsync(entity.Id, QueuePart.Main, [.. missing], _stopping.Token) is { Count: > 0 } page
            && page.TrueForAll(static message => message.State == MessageState.Scheduled))
        {
            foreach (var message in page)
            {
                missing.Remove(message.Id);
                bytes += message.Bytes;
                messageIds.Add(EncodedMessage.ReadMessageId(message.Payload!) ?? string.Empty);
            }
        }

        if (missing.Count > 0)
        {
            return [.. missing];
        }

        var operation = new CancelOperation(entity.Id, ids);
        await _writer.WriteAsync(operation);
        if (operation.Cancelled < operation.Ids.Length)
        {
            return ids;
        }

        entity.AddBytes(-bytes);
        if (entity.Properties.RequiresDuplicateDetection)
        {
            // What never came does not make a later message with its id a duplicate.
            await _writer.WriteAsync(new StatementOperation(ForgetIds, entity.Id, messageIds.ToArray()));
        }

        return [];
    }

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
            var due = await _store.ReadDueAsync(Ids(), now, DuePage, cancellationToken);
            var moves = new List<MessageMove>(due.Count);
            foreach (var message in due)
            {
                if (_catalog.Find(message.QueueId) is { } entity)
                {
                    moves.Add(new MessageMove(message, _router.RouteScheduled(entity, message.Moved(now, message.Payload!, keepsDeliveryCount: true))));
                }
            }

            if (moves.Count > 0)
            {
                await _writer.WriteAsync(new MoveOperation(moves, OnMoved));
            }

            NoteDue(await _store.ReadNextDueAsync(Ids(), cancellationToken));
            return moves.Count > 0;
        }
        catch
        {
            NoteDue(now);
            throw;
        }
    }

    /// <summary>Ends messages whose time to live is over, also where nobody receives; true when there may be more.</summary>
    internal async Task<bool> ExpireMessagesAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        lock (_dueLock)
        {
            if (_nextExpiry > now)
            {
                return false;
            }

            // A message that comes while the table is read moves it forward again.
            _nextExpiry = DateTime.MaxValue;
        }

        try
        {
            var more = await ExpireMessagesAsync(now, cancellationToken);

            // Those that a receiver holds are looked at again.
            NoteExpiry(await _store.ReadNextExpiryAsync(cancellationToken));
            return more;
        }
        catch
        {
            NoteExpiry(now);
            throw;
        }
    }

    private async Task<bool> ExpireMessagesAsync(DateTime now, CancellationToken cancellationToken)
    {
        var ids = _catalog.Queues.Select(queue => queue.Id).ToArray();
        var expired = await _store.ReadExpiredAsync(ids, now, DuePage, cancellationToken);
        var endings = new List<Task>(expired.Count);
        foreach (var message in expired)
        {
            if (_catalog.Find(message.QueueId) is QueueEntity queue)
            {
                var holder = queue.Sessions is { } sessions && message.SessionId is { } session && sessions.Find(session) is { } hold ? hold.Messages : queue.Part(message.Part);
                if (holder.TryExpire(message, out var ending))
                {
                    endings.Add(ending);
                }
            }
        }

        // Together, so that one commit serves them all.
        await Task.WhenAll(endings).WaitAsync(cancellationToken);
        return expired.Count == DuePage && endings.Count > 0;
    }

    /// <summary>Deletes entities that nobody used for as long as they allow.</summary>
    internal async Task DeleteIdleAsync()
    {
        var now = _time.GetUtcNow().UtcDateTime;
        foreach (var entity in _catalog.Entities)
        {
            if (entity.Properties.AutoDeleteOnIdle != TimeSpan.MaxValue && now - entity.AccessedAt > entity.Properties.AutoDeleteOnIdle)
            {
                if (entity is QueueEntity { IsReceivedFrom: true })
                {
                    entity.Touch(now);
                }
                else
                {
                    await _catalog.DeleteAsync(entity.Name);
                }
            }
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private int[] Ids() => [.. _catalog.Entities.Select(entity => entity.Id)];

    private void OnMoved(IReadOnlyList<MessageMove> moves)
    {
        foreach (var move in moves)
        {
            _catalog.Find(move.Origin.QueueId)?.AddBytes(-move.Origin.Bytes);
        }

        OnPlaced([.. moves.SelectMany(static move => move.Placed)]);
    }

    // Runs on the writer, in the order of sequence numbers.
    private void OnPlaced(IReadOnlyList<QueuedMessage> messages)
    {
        foreach (var message in messages)
        {
            _catalog.Find(message.QueueId)?.AddBytes(message.Bytes);
            NoteExpiry(message.ExpiresAt);
        }

        for (var start = 0; start < messages.Count;)
        {
            var first = messages[start];
            var end = start + 1;
            while (end < messages.Count && messages[end].QueueId == first.QueueId && messages[end].Part == first.Part)
            {
                end++;
            }

            if (Active(messages, start, end) is { Count: > 0 } active)
            {
                (_catalog.Find(first.QueueId) as QueueEntity)?.OnCommitted(first.Part, active);
            }

            start = end;
        }
    }

    private List<QueuedMessage> Active(IReadOnlyList<QueuedMessage> messages, int start, int end)
    {
        var active = new List<QueuedMessage>(end - start);
        for (var i = start; i < end; i++)
        {
            if (messages[i].State == MessageState.Scheduled)
            {
                NoteDue(messages[i].VisibleAt);
            }
            else
            {
                active.Add(messages[i]);
            }
        }

        return active;
    }

    private void NoteDue(DateTime? due)
    {
        lock (_dueLock)
        {
            if (!(due < _nextDue))
            {
                return;
            }

            _nextDue = due.Value;
        }

        DueSooner?.Invoke();
    }

    private void NoteExpiry(DateTime? expiry)
    {
        lock (_dueLock)
        {
            if (expiry < _nextExpiry)
            {
                _nextExpiry = expiry.Value;
            }
        }
    }
}

/// <summary>Too much is waiting to become durable; the sender is to try again later.</summary>
internal sealed class BrokerBusyException() : InvalidOperationException("The broker is busy; try again later.");

/// <summary>An entity is full: messages must be received before more can be sent.</summary>
internal sealed class QuotaExceededException(string entity, long megabytes)
    : InvalidOperationException($"The maximum entity size has been reached: '{entity}' holds {megabytes} MB.");
