using AiPlatform.ServiceBusEmulator.Protocol;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

internal sealed partial class MessageQueue
{
    internal const string MaxDeliveryCountExceeded = "MaxDeliveryCountExceeded";
    internal const string TimeToLiveExpired = "TTLExpiredException";

    private static readonly IReadOnlyDictionary<string, object> NoProperties = new Dictionary<string, object>();

    /// <summary>Removes locked messages: all of them, or none when one lock is lost. True when it is durable.</summary>
    internal async Task<bool> CompleteAsync(IReadOnlyList<Guid> tokens)
    {
        if (!TryBeginSettlement(tokens, out var locks))
        {
            return false;
        }

        await WriteAsync(locks, new DeleteOperation([.. locks.Select(taken => taken.Message.Id)]));
        Forget(locks);
        _metrics.Settled(Name, "completed", locks.Count);
        return true;
    }

    /// <summary>Makes locked messages available again, or dead-letters those that were delivered too often.</summary>
    internal async Task<bool> AbandonAsync(IReadOnlyList<Guid> tokens, IReadOnlyDictionary<string, object>? properties)
    {
        if (!TryBeginSettlement(tokens, out var locks))
        {
            return false;
        }

        await ReturnAsync(locks, properties ?? NoProperties, "abandoned");
        return true;
    }

    /// <summary>Sets locked messages aside: from now on they are received by sequence number only.</summary>
    internal async Task<bool> DeferAsync(IReadOnlyList<Guid> tokens, IReadOnlyDictionary<string, object>? properties)
    {
        if (!TryBeginSettlement(tokens, out var locks))
        {
            return false;
        }

        foreach (var taken in locks)
        {
            await WriteAsync([taken], await CountChangeAsync(taken.Message, MessageState.Deferred, properties ?? NoProperties));
            taken.Message.State = MessageState.Deferred;
        }

        Forget(locks);
        _metrics.Settled(Name, "deferred", locks.Count);
        return true;
    }

    /// <summary>Moves locked messages to the dead-letter part.</summary>
    internal async Task<bool> DeadLetterAsync(
        IReadOnlyList<Guid> tokens, string? reason, string? description, IReadOnlyDictionary<string, object>? properties)
    {
        if (!TryBeginSettlement(tokens, out var locks))
        {
            return false;
        }

        await MoveToDeadLettersAsync(locks, reason, description, properties ?? NoProperties);
        return true;
    }

    // The count is durable before the message is delivered again, so that a poisonous one cannot be delivered for ever.
    private async Task ReturnAsync(List<MessageLock> locks, IReadOnlyDictionary<string, object> properties, string outcome)
    {
        var spent = new List<MessageLock>();
        var returning = new List<MessageLock>();
        foreach (var taken in locks)
        {
            taken.Message.DeliveryCount++;
            (Part == QueuePart.Main && taken.Message.DeliveryCount >= _entity.Options.MaxDeliveryCount ? spent : returning).Add(taken);
        }

        if (spent.Count > 0)
        {
            var description = $"Message could not be consumed after {_entity.Options.MaxDeliveryCount} delivery attempts.";
            await MoveToDeadLettersAsync(spent, MaxDeliveryCountExceeded, description, properties);
        }

        if (returning.Count == 0)
        {
            return;
        }

        if (properties.Count == 0)
        {
            await WriteAsync(returning, new CountOperation([.. returning.Select(taken => (taken.Message.Id, taken.Message.DeliveryCount, taken.Message.State))]));
        }
        else
        {
            foreach (var taken in returning)
            {
                await WriteAsync([taken], await CountChangeAsync(taken.Message, taken.Message.State, properties));
            }
        }

        PutBack(returning);
        _metrics.Settled(Name, outcome, returning.Count);
    }

    private async Task MoveToDeadLettersAsync(
        List<MessageLock> locks, string? reason, string? description, IReadOnlyDictionary<string, object> properties)
    {
        var changes = new Dictionary<string, object>(properties);
        if (reason is not null)
        {
            changes["DeadLetterReason"] = reason;
        }

        if (description is not null)
        {
            changes["DeadLetterErrorDescription"] = description;
        }

        var now = _time.GetUtcNow().UtcDateTime;
        var moves = new List<MessageMove>(locks.Count);
        foreach (var taken in locks)
        {
            var payload = MessageCodec.WithApplicationProperties(await PayloadAsync(taken.Message), changes);
            moves.Add(new MessageMove(taken.Message.Id, taken.Message.State, taken.Message.MovedTo(QueuePart.DeadLetter, now, payload)));
        }

        await WriteAsync(locks, new MoveOperation(moves, applied => _entity.DeadLetters.OnCommitted(applied.Select(move => move.Target))));
        Forget(locks);
        _metrics.Settled(Name, "dead_lettered", locks.Count);
    }

    private async Task ExpireMessageAsync(QueuedMessage message)
    {
        try
        {
            if (_entity.Options.DeadLetteringOnMessageExpiration && Part == QueuePart.Main)
            {
                MessageLock taken;
                lock (_lock)
                {
                    taken = LockMessage(message, _time.GetUtcNow().UtcDateTime);
                    taken.IsSettling = true;
                }

                await MoveToDeadLettersAsync([taken], TimeToLiveExpired, "The message expired and was dead lettered.", NoProperties);
            }
            else
            {
                await _writer.WriteAsync(new DeleteOperation([message.Id]));
                _metrics.Settled(Name, "expired");
            }
        }
        catch (Exception exception)
        {
            LogSettlementFailed(_logger, exception, Name);
        }
    }

    private async Task<WriteOperation> CountChangeAsync(QueuedMessage message, MessageState state, IReadOnlyDictionary<string, object> properties)
    {
        if (properties.Count == 0)
        {
            return new CountOperation([(message.Id, message.DeliveryCount, state)]);
        }

        var payload = MessageCodec.WithApplicationProperties(await PayloadAsync(message), properties);
        message.Payload = payload.Length > RetainedPayload ? null : payload;
        return new PayloadOperation(message.Id, message.DeliveryCount, state, payload);
    }

    private async Task<byte[]> PayloadAsync(QueuedMessage message)
        => message.Payload ?? (await _store.ReadByIdAsync(_entity.Id, Part, [message.Id], _stopping)) switch
        {
            [{ Payload: { } payload }] => payload,
            _ => throw new InvalidOperationException($"Message {message.Id} of {Name} is gone from the table."),
        };

    private async Task WriteAsync(List<MessageLock> locks, WriteOperation operation)
    {
        try
        {
            await _writer.WriteAsync(operation);
        }
        catch
        {
            // Not durable: the messages are as they were, and their locks run on.
            lock (_lock)
            {
                foreach (var taken in locks)
                {
                    taken.IsSettling = false;
                }
            }

            throw;
        }
    }
}
