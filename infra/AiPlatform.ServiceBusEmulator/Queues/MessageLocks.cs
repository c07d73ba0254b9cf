namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>The messages of a queue that receivers hold, by token and by the end of their locks. Every member is called with the queue's gate held.</summary>
internal sealed class MessageLocks(QueueContext context)
{
    /// <summary>Locked messages keep payloads up to this size for a quick redelivery; larger ones are read again when needed.</summary>
    internal const int RetainedPayload = 4 * 1024;

    private const int MaxLocks = 5_000;

    private readonly Dictionary<Guid, MessageLock> _locks = [];
    private readonly HashSet<long> _deferred = [];

    // In the order in which they end. Locks last equally long as a rule, so a new or renewed one goes to the end.
    private readonly LinkedList<MessageLock> _expiries = new();

    internal int Count => _locks.Count;

    /// <summary>Whether no more messages may be held.</summary>
    internal bool IsFull => _locks.Count >= MaxLocks;

    internal IEnumerable<MessageLock> All => _locks.Values;

    /// <summary>When the next lock ends; the end of time when there is none.</summary>
    internal DateTime NextExpiry => context.Session is null && _expiries.First is { } first ? first.Value.Until : DateTime.MaxValue;

    internal MessageLock this[Guid token] => _locks[token];

    /// <summary>Gives a message into somebody's hands.</summary>
    internal MessageLock Add(QueuedMessage message, DateTime now)
    {
        var taken = new MessageLock(Guid.NewGuid(), message, context.Session?.LockedUntil ?? now + context.Entity.Properties.LockDuration);
        _locks.Add(taken.Token, taken);
        AddExpiry(taken);
        if (message.State == MessageState.Deferred)
        {
            _deferred.Add(message.Id);
        }

        if (message.Payload?.Length > RetainedPayload)
        {
            message.Payload = null;
        }

        return taken;
    }

    /// <summary>Whether somebody holds this deferred message.</summary>
    internal bool HoldsDeferred(long id) => _deferred.Contains(id);

    /// <summary>Whether the token still counts. In a session the session's lock holds all of its messages.</summary>
    internal bool IsHeld(Guid token, DateTime now)
        => _locks.TryGetValue(token, out var taken) && !taken.IsSettling
            && (context.Session is not { } session ? taken.Until > now : !session.IsLost && session.LockedUntil > now);

    /// <summary>Moves the ends of locks on; null when one of them is lost.</summary>
    internal DateTime[]? Renew(IReadOnlyList<Guid> tokens, DateTime now)
    {
        if (!tokens.All(token => IsHeld(token, now)))
        {
            return null;
        }

        var until = now + context.Entity.Properties.LockDuration;
        foreach (var token in tokens)
        {
            var taken = _locks[token];
            taken.Until = until;
            _expiries.Remove(taken.Place);
            AddExpiry(taken);
        }

        return [.. tokens.Select(_ => until)];
    }

    /// <summary>Begins to settle all of them, or none when one is lost; one that is named twice is settled once.</summary>
    internal bool TryBeginSettlement(IReadOnlyList<Guid> tokens, DateTime now, out List<MessageLock> locks)
    {
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

    /// <summary>Begins to take back the locks that have ended; null when there is none.</summary>
    internal List<MessageLock>? TakeExpired(DateTime now)
    {
        List<MessageLock>? expired = null;
        for (var place = _expiries.First; place?.Value is { } next && next.Until <= now; place = place.Next)
        {
            if (!next.IsSettling)
            {
                next.IsSettling = true;
                (expired ??= []).Add(next);
            }
        }

        return expired;
    }

    /// <summary>Forgets a lock.</summary>
    internal void Remove(MessageLock taken)
    {
        if (_locks.Remove(taken.Token))
        {
            _expiries.Remove(taken.Place);
        }

        if (_deferred.Count > 0)
        {
            _deferred.Remove(taken.Message.Id);
        }
    }

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
}
