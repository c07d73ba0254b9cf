using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

internal sealed partial class MessageQueue
{
    private static readonly TimeSpan SettlementPoll = TimeSpan.FromMilliseconds(10);

    /// <summary>Moves the ends of locks on; null when one of them is lost.</summary>
    internal DateTime[]? Renew(IReadOnlyList<Guid> tokens)
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow().UtcDateTime;
            if (!tokens.All(token => IsHeld(token, now)))
            {
                return null;
            }

            var until = now + LockDuration;
            foreach (var token in tokens)
            {
                var taken = _locks[token];
                taken.Until = until;
                _expiries.Remove(taken.Place);
                AddExpiry(taken);
            }

            return [.. tokens.Select(_ => until)];
        }
    }

    /// <summary>Makes a message available again that its receiver did not act on: its delivery does not count.</summary>
    internal bool Release(Guid token)
    {
        lock (_lock)
        {
            if (!IsHeld(token, _time.GetUtcNow().UtcDateTime))
            {
                return false;
            }

            var taken = _locks[token];
            Release(taken);
            PutBack(taken.Message);
        }

        SchedulePump();
        return true;
    }

    /// <summary>Locks deferred messages by their sequence numbers; null when one is not there or is locked.</summary>
    internal async Task<List<Delivery>?> ReceiveDeferredAsync(long[] ids, bool deletes, CancellationToken cancellationToken)
    {
        var messages = await _store.ReadByIdAsync(_entity.Id, Part, ids, cancellationToken);
        if (messages.Count != ids.Distinct().Count() || messages.Exists(message => message.State != MessageState.Deferred || (_session is not null && message.SessionId != _session.Id)))
        {
            return null;
        }

        var result = new List<Delivery>(messages.Count);
        lock (_lock)
        {
            if (messages.Exists(message => _lockedDeferred.Contains(message.Id)))
            {
                return null;
            }

            var now = _time.GetUtcNow().UtcDateTime;
            foreach (var message in messages)
            {
                var payload = message.Payload!;
                var taken = LockMessage(message, now);
                taken.IsSettling = deletes;
                result.Add(new Delivery(message, payload, taken.Token, taken.Until));
            }
        }

        if (deletes)
        {
            List<MessageLock> locks;
            lock (_lock)
            {
                locks = [.. result.Select(delivery => _locks[delivery.LockToken])];
            }

            await Completion(locks, "deleted").WriteAsync(_writer);
        }

        return result;
    }

    /// <summary>When the next lock ends; the end of time when there is none.</summary>
    internal DateTime NextExpiry
    {
        get
        {
            lock (_lock)
            {
                return _session is null && _expiries.First is { } first ? first.Value.Until : DateTime.MaxValue;
            }
        }
    }

    /// <summary>Takes back locks that have ended.</summary>
    internal void ExpireLocks()
    {
        if (_session is not null)
        {
            return;
        }

        List<MessageLock>? expired = null;
        lock (_lock)
        {
            var now = _time.GetUtcNow().UtcDateTime;
            for (var place = _expiries.First; place?.Value is { } next && next.Until <= now; place = place.Next)
            {
                if (!next.IsSettling)
                {
                    next.IsSettling = true;
                    (expired ??= []).Add(next);
                }
            }
        }

        if (expired is not null)
        {
            _ = ReturnExpiredAsync(expired);
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
            lock (_lock)
            {
                open = [.. _locks.Values.Where(static taken => !taken.IsSettling)];
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
                await ReturnExpiredAsync(open);
            }

            await Task.Delay(SettlementPoll, _time, _stopping);
        }
    }

    private async Task ReturnExpiredAsync(List<MessageLock> expired)
    {
        try
        {
            await (await ReturnAsync(expired, NoChanges, "lock_expired")).WriteAsync(_writer);
        }
        catch (Exception exception)
        {
            Undo(expired);
            LogSettlementFailed(_logger, exception, Name);
        }
    }

    private bool TryBeginSettlement(IReadOnlyList<Guid> tokens, out List<MessageLock> locks)
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow().UtcDateTime;
            locks = [];
            if (!tokens.All(token => IsHeld(token, now)))
            {
                return false;
            }

            foreach (var token in tokens)
            {
                var taken = _locks[token];
                if (!taken.IsSettling)
                {
                    taken.IsSettling = true;
                    locks.Add(taken);
                }
            }

            return true;
        }
    }

    // In a session the session's lock holds all of its messages.
    private bool IsHeld(Guid token, DateTime now)
        => _locks.TryGetValue(token, out var taken) && !taken.IsSettling && (_session is null ? taken.Until > now : !_session.IsLost && _session.LockedUntil > now);

    private void AddExpiry(MessageLock taken)
    {
        var place = _expiries.Last;
        while (place is not null && place.Value.Until > taken.Until)
        {
            place = place.Previous;
        }

        if (place is null)
        {
            _expiries.AddFirst(taken.Place);
        }
        else
        {
            _expiries.AddAfter(place, taken.Place);
        }
    }

    private void Forget(List<MessageLock> locks)
    {
        bool wasFull;
        lock (_lock)
        {
            wasFull = _locks.Count >= MaxLocks;
            foreach (var taken in locks)
            {
                Release(taken);
            }
        }

        if (wasFull)
        {
            SchedulePump();
        }
    }

    private void PutBack(List<MessageLock> locks)
    {
        lock (_lock)
        {
            foreach (var taken in locks)
            {
                Release(taken);
                PutBack(taken.Message);
            }
        }

        SchedulePump();
    }

    private void Release(MessageLock taken)
    {
        if (_locks.Remove(taken.Token))
        {
            _expiries.Remove(taken.Place);
        }

        if (_lockedDeferred.Count > 0)
        {
            _lockedDeferred.Remove(taken.Message.Id);
        }
    }

    private void PutBack(QueuedMessage message)
    {
        if (message.State == MessageState.Deferred)
        {
            return;
        }

        if (message.Payload is null)
        {
            _reload.Add(message.Id);
        }
        else
        {
            _returned.Enqueue(message, message.Id);
        }
    }
}
