using AiPlatform.ServiceBusEmulator.Messages;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>
/// The sessions of an entity: who holds which, and which have messages that nobody holds. Of the latter a bounded number is
/// remembered; when they are used up, the table is asked for more.
/// </summary>
internal sealed partial class SessionRegistry(QueueEntity entity, BrokerServices services)
{
    private const int MaxAvailable = 10_000;
    private const int LoadCount = 1_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, SessionHold> _held = new(StringComparer.Ordinal);
    private readonly LinkedList<string> _available = new();
    private readonly Dictionary<string, LinkedListNode<string>> _places = new(StringComparer.Ordinal);
    private readonly LinkedList<TaskCompletionSource> _waiters = new();
    private bool _mayHaveMore = true;

    internal bool HasHolders
    {
        get
        {
            lock (_lock)
            {
                return _held.Count > 0;
            }
        }
    }

    /// <summary>Takes durable messages in. Called by the writer in the order of sequence numbers.</summary>
    internal void OnCommitted(IEnumerable<QueuedMessage> messages)
    {
        foreach (var message in messages)
        {
            SessionHold? hold;
            lock (_lock)
            {
                if (!_held.TryGetValue(message.SessionId!, out hold))
                {
                    MakeAvailable(message.SessionId!);
                }
            }

            hold?.Messages.OnCommitted([message]);
        }
    }

    internal SessionHold? Find(string id)
    {
        lock (_lock)
        {
            return _held.GetValueOrDefault(id);
        }
    }

    /// <summary>Locks a session, whether it has messages or not; null when somebody else holds it.</summary>
    internal SessionHold? Accept(string id)
    {
        lock (_lock)
        {
            return _held.ContainsKey(id) ? null : Hold(id);
        }
    }

    /// <summary>Locks the session that waits longest; null when none has messages until the time is over.</summary>
    internal async Task<SessionHold?> AcceptNextAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, services.Stopping);
        deadline.CancelAfter(timeout);
        try
        {
            while (true)
            {
                if (TryTake(out var hold, out var turn) && await HasMessagesAsync(hold, deadline.Token))
                {
                    return hold;
                }

                if (turn is not null)
                {
                    await WaitAsync(turn, deadline.Token);
                }
                else if (hold is null)
                {
                    await LoadAsync(deadline.Token);
                }
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Moves the end of a session's lock on; null when it is lost.</summary>
    internal DateTime? Renew(SessionHold hold)
    {
        lock (_lock)
        {
            var now = services.Time.GetUtcNow().UtcDateTime;
            if (hold.IsLost || hold.LockedUntil <= now)
            {
                return null;
            }

            hold.Renew(now + entity.Properties.LockDuration);
            return hold.LockedUntil;
        }
    }

    /// <summary>The holder is gone: another may have the session.</summary>
    internal void Release(SessionHold hold) => _ = EndAsync(hold, isExpired: false);

    /// <summary>Takes back sessions whose locks have ended.</summary>
    internal DateTime NextExpiry
    {
        get
        {
            lock (_lock)
            {
                var first = DateTime.MaxValue;
                foreach (var hold in _held.Values)
                {
                    first = !hold.IsLost && hold.LockedUntil < first ? hold.LockedUntil : first;
                }

                return first;
            }
        }
    }

    internal void ExpireLocks()
    {
        List<SessionHold>? expired = null;
        lock (_lock)
        {
            var now = services.Time.GetUtcNow().UtcDateTime;
            foreach (var hold in _held.Values)
            {
                if (!hold.IsLost && hold.LockedUntil <= now)
                {
                    (expired ??= []).Add(hold);
                }
            }
        }

        foreach (var hold in expired ?? [])
        {
            _ = EndAsync(hold, isExpired: true);
        }
    }

    /// <summary>Ends everything: the entity is deleted.</summary>
    internal void Close(string condition, string description)
    {
        SessionHold[] holds;
        lock (_lock)
        {
            holds = [.. _held.Values];
        }

        foreach (var hold in holds)
        {
            hold.Messages.CloseConsumers(condition, description);
        }
    }

    private async Task EndAsync(SessionHold hold, bool isExpired)
    {
        lock (_lock)
        {
            if (hold.IsLost)
            {
                return;
            }

            hold.IsLost = true;
        }

        try
        {
            if (isExpired)
            {
                hold.Messages.CloseConsumers(AmqpNames.SessionLockLost, $"The lock of session '{hold.Id}' has expired.");
            }

            await hold.Messages.EndSessionAsync(isExpired);
        }
        catch (Exception exception)
        {
            LogEndFailed(services.Logger, exception, entity.Name);
        }

        lock (_lock)
        {
            _held.Remove(hold.Id);
            if (!hold.Messages.IsEmpty)
            {
                MakeAvailable(hold.Id);
            }
        }
    }

    private SessionHold Hold(string id)
    {
        if (_places.Remove(id, out var place))
        {
            _available.Remove(place);
        }

        var hold = new SessionHold(entity, id, services);
        _held.Add(id, hold);
        return hold;
    }

    private void MakeAvailable(string id)
    {
        if (_places.ContainsKey(id))
        {
            return;
        }

        if (_available.Count >= MaxAvailable)
        {
            _mayHaveMore = true;
            return;
        }

        _places.Add(id, _available.AddLast(id));
        if (_waiters.First is { } waiter)
        {
            _waiters.RemoveFirst();
            waiter.Value.TrySetResult();
        }
    }

    // A session, or a turn to wait for, or neither when the table is to be asked.
    private bool TryTake(out SessionHold hold, out LinkedListNode<TaskCompletionSource>? turn)
    {
        lock (_lock)
        {
            turn = null;
            hold = null!;
            if (_available.First is { } first)
            {
                hold = Hold(first.Value);
                return true;
            }

            if (!_mayHaveMore)
            {
                turn = _waiters.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            return false;
        }
    }

    private async Task WaitAsync(LinkedListNode<TaskCompletionSource> turn, CancellationToken cancellationToken)
    {
        try
        {
            await turn.Value.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            lock (_lock)
            {
                if (turn.List is not null)
                {
                    _waiters.Remove(turn);
                }
                else if (cancellationToken.IsCancellationRequested && _available.Count > 0 && _waiters.First is { } next)
                {
                    // Its turn came too late: the next one takes it.
                    _waiters.RemoveFirst();
                    next.Value.TrySetResult();
                }
            }
        }
    }

    // Its messages may have been received by another holder, or have expired, since the session was noted.
    private async Task<bool> HasMessagesAsync(SessionHold hold, CancellationToken cancellationToken)
    {
        var isKept = false;
        try
        {
            isKept = await services.Store.HasSessionMessagesAsync(entity.Id, hold.Id, cancellationToken) || hold.Messages.HasArrivals;
            return isKept;
        }
        finally
        {
            if (!isKept)
            {
                lock (_lock)
                {
                    hold.IsLost = true;
                    _held.Remove(hold.Id);
                    if (cancellationToken.IsCancellationRequested || hold.Messages.HasArrivals)
                    {
                        MakeAvailable(hold.Id);
                    }
                }
            }
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        string[] held;
        lock (_lock)
        {
            held = [.. _held.Keys];
            _mayHaveMore = false;
        }

        try
        {
            var sessions = await services.Store.ReadSessionsAsync(entity.Id, held, LoadCount, 0, cancellationToken);
            lock (_lock)
            {
                _mayHaveMore |= sessions.Count == LoadCount;
                foreach (var id in sessions)
                {
                    if (!_held.ContainsKey(id))
                    {
                        MakeAvailable(id);
                    }
                }
            }
        }
        catch
        {
            lock (_lock)
            {
                _mayHaveMore = true;
            }

            throw;
        }
    }

    [LoggerMessage(13, LogLevel.Error, "Taking back a session of {Queue} failed")]
    private static partial void LogEndFailed(ILogger logger, Exception exception, string queue);
}
