using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

internal sealed partial class MessageQueue
{
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
                _expiries.AddLast(taken.Place);
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
        if (messages.Count != ids.Distinct().Count() || messages.Exists(message => message.State != MessageState.Deferred))
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

            await WriteAsync(locks, new DeleteOperation([.. messages.Select(message => message.Id)]));
            Forget(locks);
        }

        return result;
    }

    /// <summary>Takes back locks that have ended.</summary>
    internal void ExpireLocks()
    {
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

    private async Task ReturnExpiredAsync(List<MessageLock> expired)
    {
        try
        {
            await ReturnAsync(expired, NoProperties, "lock_expired");
        }
        catch (Exception exception)
        {
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

    private bool IsHeld(Guid token, DateTime now) => _locks.TryGetValue(token, out var taken) && !taken.IsSettling && taken.Until > now;

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
