using System.Diagnostics.CodeAnalysis;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

internal sealed partial class MessageQueue
{
    internal const string MaxDeliveryCountExceeded = "MaxDeliveryCountExceeded";
    internal const string TimeToLiveExpired = "TTLExpiredException";

    private static readonly IReadOnlyDictionary<string, object> NoChanges = new Dictionary<string, object>();

    /// <summary>Applies an outcome to locked messages: to all of them, or to none when one lock is lost. True when it is durable.</summary>
    internal async Task<bool> SettleAsync(IReadOnlyList<Guid> tokens, Outcome outcome)
    {
        if (await BeginAsync(tokens, outcome) is not { } settlement)
        {
            return false;
        }

        await settlement.WriteAsync(_writer);
        return true;
    }

    /// <summary>Prepares an outcome; null when a lock is lost. The caller writes or undoes it.</summary>
    internal async Task<Settlement?> BeginAsync(IReadOnlyList<Guid> tokens, Outcome outcome)
    {
        if (!TryBeginSettlement(tokens, out var locks))
        {
            return null;
        }

        try
        {
            return outcome.Kind switch
            {
                OutcomeKind.Complete => Completion(locks, "completed"),
                OutcomeKind.Abandon => await ReturnAsync(locks, outcome.Changes ?? NoChanges, "abandoned"),
                OutcomeKind.Defer => await DeferralAsync(locks, outcome.Changes ?? NoChanges),
                OutcomeKind.DeadLetter => await DeadLetteringAsync(locks, outcome.Reason, outcome.Description, outcome.Changes ?? NoChanges, isReturned: false),
                _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
            };
        }
        catch
        {
            Undo(locks);
            throw;
        }
    }

    private Settlement Completion(List<MessageLock> locks, string metric) => new(
        new DeleteOperation([.. locks.Select(taken => taken.Message.Id)]),
        () =>
        {
            Forget(locks);
            _entity.AddBytes(-locks.Sum(static taken => (long)taken.Message.Bytes));
            _metrics.Settled(Name, metric, locks.Count);
        },
        () => Undo(locks));

    private async Task<Settlement> DeferralAsync(List<MessageLock> locks, IReadOnlyDictionary<string, object> changes)
    {
        var (operation, payloads) = await CountChangeAsync(locks, changes, 0, static _ => MessageState.Deferred);
        return new Settlement(
            operation,
            () =>
            {
                Apply(locks, payloads, 0);
                locks.ForEach(static taken => taken.Message.State = MessageState.Deferred);
                Forget(locks);
                _metrics.Settled(Name, "deferred", locks.Count);
            },
            () => Undo(locks));
    }

    // The count is durable before the message is delivered again, so that a poisonous one cannot be delivered for ever.
    private async Task<Settlement> ReturnAsync(List<MessageLock> locks, IReadOnlyDictionary<string, object> changes, string metric)
    {
        var most = _entity.Properties.MaxDeliveryCount;
        var isSpent = locks.ToLookup(taken => Part == QueuePart.Main && taken.Message.DeliveryCount + 1 >= most);
        var (spent, returning) = (isSpent[true].ToList(), isSpent[false].ToList());
        var dead = spent.Count == 0
            ? null
            : await DeadLetteringAsync(spent, MaxDeliveryCountExceeded, $"Message could not be consumed after {most} delivery attempts.", changes, isReturned: true);
        if (returning.Count == 0)
        {
            return dead!;
        }

        var (operation, payloads) = await CountChangeAsync(returning, changes, 1, static message => message.State);
        return new Settlement(
            dead is null ? operation : new CompositeOperation([dead.Operation, operation]),
            () =>
            {
                dead?.Apply();
                Apply(returning, payloads, 1);
                PutBack(returning);
                _metrics.Settled(Name, metric, returning.Count);
            },
            () => Undo(locks));
    }

    private async Task<Settlement> DeadLetteringAsync(
        List<MessageLock> locks, string? reason, string? description, IReadOnlyDictionary<string, object> changes, bool isReturned)
    {
        var all = new Dictionary<string, object>(changes);
        foreach (var (key, value) in EncodedMessage.DeadLetterProperties(reason, description))
        {
            all[key] = value;
        }

        var now = _time.GetUtcNow().UtcDateTime;
        var moves = new List<MessageMove>(locks.Count);
        foreach (var taken in locks)
        {
            var moved = taken.Message.Moved(now, EncodedMessage.WithApplicationProperties(await PayloadAsync(taken.Message), all), keepsDeliveryCount: true);
            moved.DeliveryCount += isReturned ? 1 : 0;
            moves.Add(new MessageMove(taken.Message, _router.RouteDeadLetter(_entity, moved)));
        }

        return new Settlement(
            new MoveOperation(moves, _placeMoved),
            () =>
            {
                Forget(locks);
                _metrics.Settled(Name, "dead_lettered", locks.Count);
            },
            () => Undo(locks));
    }

    /// <summary>Begins to end a message whose time to live is over, unless a receiver holds it.</summary>
    /// <param name="ended">Ends when what becomes of the message is durable.</param>
    internal bool TryExpire(QueuedMessage message, [NotNullWhen(true)] out Task? ended)
    {
        lock (_lock)
        {
            ended = _locks.Values.Any(taken => taken.Message.Id == message.Id) ? null : BeginExpiry(message, _time.GetUtcNow().UtcDateTime);
            return ended is not null;
        }
    }

    // Called with the queue's lock held: the message is nobody's until what becomes of it is durable.
    private Task BeginExpiry(QueuedMessage message, DateTime now)
    {
        var taken = LockMessage(message, now);
        taken.IsSettling = true;
        return ExpireAsync([taken]);
    }

    private async Task ExpireAsync(List<MessageLock> locks)
    {
        try
        {
            var settlement = _entity.Properties.DeadLetteringOnMessageExpiration && Part == QueuePart.Main
                ? await DeadLetteringAsync(locks, TimeToLiveExpired, "The message expired and was dead lettered.", NoChanges, isReturned: false)
                : Completion(locks, "expired");
            await settlement.WriteAsync(_writer);
        }
        catch (Exception exception)
        {
            // The lock ends like any other, and the message is looked at again.
            Undo(locks);
            LogSettlementFailed(_logger, exception, Name);
        }
    }

    private async Task<(WriteOperation Operation, List<byte[]>? Payloads)> CountChangeAsync(
        List<MessageLock> locks, IReadOnlyDictionary<string, object> changes, int more, Func<QueuedMessage, MessageState> state)
    {
        if (changes.Count == 0)
        {
            return (new CountOperation([.. locks.Select(taken => (taken.Message.Id, taken.Message.DeliveryCount + more, state(taken.Message)))]), null);
        }

        var payloads = new List<byte[]>(locks.Count);
        var operations = new List<WriteOperation>(locks.Count);
        foreach (var taken in locks)
        {
            var payload = EncodedMessage.WithApplicationProperties(await PayloadAsync(taken.Message), changes);
            payloads.Add(payload);
            operations.Add(new PayloadOperation(taken.Message.Id, taken.Message.DeliveryCount + more, state(taken.Message), payload));
        }

        return (new CompositeOperation(operations), payloads);
    }

    private void Apply(List<MessageLock> locks, List<byte[]>? payloads, int more)
    {
        for (var i = 0; i < locks.Count; i++)
        {
            var message = locks[i].Message;
            message.DeliveryCount += more;
            if (payloads is not null)
            {
                var before = message.Bytes;
                message.Payload = payloads[i];
                _entity.AddBytes(message.Bytes - before);
                message.Payload = payloads[i].Length > RetainedPayload ? null : payloads[i];
            }
        }
    }

    private async Task<byte[]> PayloadAsync(QueuedMessage message)
        => message.Payload ?? (await _store.ReadByIdAsync(_entity.Id, Part, [message.Id], _stopping)) switch
        {
            [{ Payload: { } payload }] => payload,
            _ => throw new InvalidOperationException($"Message {message.Id} of {Name} is gone from the table."),
        };

    // Not durable: the messages are as they were, and their locks run on.
    private void Undo(List<MessageLock> locks)
    {
        lock (_lock)
        {
            foreach (var taken in locks)
            {
                taken.IsSettling = false;
            }
        }
    }
}
