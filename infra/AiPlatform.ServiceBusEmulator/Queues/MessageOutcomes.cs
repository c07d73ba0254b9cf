using System.Diagnostics.CodeAnalysis;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>What becomes of locked messages: each outcome is prepared, made durable, and only then applied to memory.</summary>
/// <param name="context">Whose messages they are.</param>
/// <param name="window">Where they come back to.</param>
/// <param name="locks">Where they are.</param>
/// <param name="wake">Called when there may be something to deliver again.</param>
internal sealed partial class MessageOutcomes(QueueContext context, MessageWindow window, MessageLocks locks, Action wake)
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

        await settlement.WriteAsync(context.Services.Writer);
        return true;
    }

    /// <summary>Prepares an outcome; null when a lock is lost. The caller writes or undoes it.</summary>
    internal async Task<Settlement?> BeginAsync(IReadOnlyList<Guid> tokens, Outcome outcome)
    {
        List<MessageLock> held;
        lock (context.Gate)
        {
            if (!locks.TryBeginSettlement(tokens, context.Now, out held))
            {
                return null;
            }
        }

        try
        {
            return outcome.Kind switch
            {
                OutcomeKind.Complete => Completion(held, "completed"),
                OutcomeKind.Abandon => await ReturnAsync(held, outcome.Changes ?? NoChanges, "abandoned"),
                OutcomeKind.Defer => await DeferralAsync(held, outcome.Changes ?? NoChanges),
                OutcomeKind.DeadLetter => await DeadLetteringAsync(held, outcome.Reason, outcome.Description, outcome.Changes ?? NoChanges, isReturned: false),
                _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
            };
        }
        catch
        {
            Undo(held);
            throw;
        }
    }

    /// <summary>Messages that are done with.</summary>
    internal Settlement Completion(List<MessageLock> held, string metric) => new(
        new DeleteOperation([.. held.Select(taken => taken.Message.Id)]),
        () =>
        {
            Forget(held);
            context.Entity.AddBytes(-held.Sum(static taken => (long)taken.Message.Bytes));
            context.Services.Metrics.Settled(context.Name, metric, held.Count);
        },
        () => Undo(held));

    private async Task<Settlement> DeferralAsync(List<MessageLock> held, IReadOnlyDictionary<string, object> changes)
    {
        var (operation, payloads) = await CountChangeAsync(held, changes, 0, static _ => MessageState.Deferred);
        return new Settlement(
            operation,
            () =>
            {
                Apply(held, payloads, 0);
                held.ForEach(static taken => taken.Message.State = MessageState.Deferred);
                Forget(held);
                context.Services.Metrics.Settled(context.Name, "deferred", held.Count);
            },
            () => Undo(held));
    }

    // The count is durable before the message is delivered again, so that a poisonous one cannot be delivered for ever.
    private async Task<Settlement> ReturnAsync(List<MessageLock> held, IReadOnlyDictionary<string, object> changes, string metric)
    {
        var most = context.Entity.Properties.MaxDeliveryCount;
        var isSpent = held.ToLookup(taken => context.Part == QueuePart.Main && taken.Message.DeliveryCount + 1 >= most);
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
                context.Services.Metrics.Settled(context.Name, metric, returning.Count);
            },
            () => Undo(held));
    }

    private async Task<Settlement> DeadLetteringAsync(
        List<MessageLock> held, string? reason, string? description, IReadOnlyDictionary<string, object> changes, bool isReturned)
    {
        var all = new Dictionary<string, object>(changes);
        foreach (var (key, value) in EncodedMessage.DeadLetterProperties(reason, description))
        {
            all[key] = value;
        }

        var now = context.Now;
        var moves = new List<MessageMove>(held.Count);
        foreach (var taken in held)
        {
            var moved = taken.Message.Moved(now, EncodedMessage.WithApplicationProperties(await PayloadAsync(taken.Message), all), keepsDeliveryCount: true);
            moved.DeliveryCount += isReturned ? 1 : 0;
            moves.Add(new MessageMove(taken.Message, context.Services.Router.RouteDeadLetter(context.Entity, moved)));
        }

        return new Settlement(
            new MoveOperation(moves, context.Services.Moved),
            () =>
            {
                Forget(held);
                context.Services.Metrics.Settled(context.Name, "dead_lettered", held.Count);
            },
            () => Undo(held));
    }

    /// <summary>Begins to end a message whose time to live is over, unless a receiver holds it.</summary>
    /// <param name="ended">Ends when what becomes of the message is durable.</param>
    internal bool TryExpire(QueuedMessage message, [NotNullWhen(true)] out Task? ended)
    {
        lock (context.Gate)
        {
            ended = locks.All.Any(taken => taken.Message.Id == message.Id) ? null : BeginExpiry(message, context.Now);
            return ended is not null;
        }
    }

    /// <summary>Begins to end a message whose time to live is over. Called with the gate held: the message is nobody's until what becomes of it is durable.</summary>
    internal Task BeginExpiry(QueuedMessage message, DateTime now)
    {
        var taken = locks.Add(message, now);
        taken.IsSettling = true;
        return ExpireAsync([taken]);
    }

    private async Task ExpireAsync(List<MessageLock> held)
    {
        try
        {
            var settlement = context.Entity.Properties.DeadLetteringOnMessageExpiration && context.Part == QueuePart.Main
                ? await DeadLetteringAsync(held, TimeToLiveExpired, "The message expired and was dead lettered.", NoChanges, isReturned: false)
                : Completion(held, "expired");
            await settlement.WriteAsync(context.Services.Writer);
        }
        catch (Exception exception)
        {
            // The lock ends like any other, and the message is looked at again.
            Undo(held);
            LogSettlementFailed(context.Services.Logger, exception, context.Name);
        }
    }

    /// <summary>Takes back locks that have ended, or whose session has: the deliveries count.</summary>
    internal async Task ReturnExpiredAsync(List<MessageLock> expired)
    {
        try
        {
            await (await ReturnAsync(expired, NoChanges, "lock_expired")).WriteAsync(context.Services.Writer);
        }
        catch (Exception exception)
        {
            Undo(expired);
            LogSettlementFailed(context.Services.Logger, exception, context.Name);
        }
    }

    private async Task<(WriteOperation Operation, List<byte[]>? Payloads)> CountChangeAsync(
        List<MessageLock> held, IReadOnlyDictionary<string, object> changes, int more, Func<QueuedMessage, MessageState> state)
    {
        if (changes.Count == 0)
        {
            return (new CountOperation([.. held.Select(taken => (taken.Message.Id, taken.Message.DeliveryCount + more, state(taken.Message)))]), null);
        }

        var payloads = new List<byte[]>(held.Count);
        var operations = new List<WriteOperation>(held.Count);
        foreach (var taken in held)
        {
            var payload = EncodedMessage.WithApplicationProperties(await PayloadAsync(taken.Message), changes);
            payloads.Add(payload);
            operations.Add(new PayloadOperation(taken.Message.Id, taken.Message.DeliveryCount + more, state(taken.Message), payload));
        }

        return (new CompositeOperation(operations), payloads);
    }

    private void Apply(List<MessageLock> held, List<byte[]>? payloads, int more)
    {
        for (var i = 0; i < held.Count; i++)
        {
            var message = held[i].Message;
            message.DeliveryCount += more;
            if (payloads is not null)
            {
                var before = message.Bytes;
                message.Payload = payloads[i];
                context.Entity.AddBytes(message.Bytes - before);
                message.Payload = payloads[i].Length > MessageLocks.RetainedPayload ? null : payloads[i];
            }
        }
    }

    private async Task<byte[]> PayloadAsync(QueuedMessage message)
        => message.Payload ?? (await context.Services.Store.ReadByIdAsync(context.Entity.Id, context.Part, [message.Id], context.Services.Stopping)) switch
        {
            [{ Payload: { } payload }] => payload,
            _ => throw new InvalidOperationException($"Message {message.Id} of {context.Name} is gone from the table."),
        };

    // Not durable: the messages are as they were, and their locks run on.
    private void Undo(List<MessageLock> held)
    {
        lock (context.Gate)
        {
            foreach (var taken in held)
            {
                taken.IsSettling = false;
            }
        }
    }

    private void Forget(List<MessageLock> held)
    {
        bool wasFull;
        lock (context.Gate)
        {
            wasFull = locks.IsFull;
            held.ForEach(locks.Remove);
        }

        if (wasFull)
        {
            wake();
        }
    }

    private void PutBack(List<MessageLock> held)
    {
        lock (context.Gate)
        {
            foreach (var taken in held)
            {
                locks.Remove(taken);
                window.PutBack(taken.Message);
            }
        }

        wake();
    }

    [LoggerMessage(12, LogLevel.Error, "Writing an outcome of {Queue} failed")]
    private static partial void LogSettlementFailed(ILogger logger, Exception exception, string queue);
}
