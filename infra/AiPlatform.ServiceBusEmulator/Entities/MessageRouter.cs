using AiPlatform.ServiceBusEmulator.Filters;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Queues;

namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>
/// Decides where a message that is sent to an entity ends: through a topic's rules into its subscriptions, and along forwarding.
/// What it decides is written in one transaction, so a message is in all of its places or in none.
/// </summary>
internal sealed class MessageRouter(EntityCatalog catalog, TimeProvider time)
{
    // As in the service: a message that would be forwarded further goes to the transfer dead letters.
    private const int MaxForwards = 4;

    /// <summary>The places of a message that is sent to an entity now.</summary>
    internal List<QueuedMessage> Route(Entity entity, QueuedMessage message)
    {
        CheckDuplicate(entity, message);
        return RouteScheduled(entity, message);
    }

    /// <summary>The places of a message whose time has come: whether its id is new to the entity was asked when it was scheduled.</summary>
    internal List<QueuedMessage> RouteScheduled(Entity entity, QueuedMessage message)
    {
        var result = new List<QueuedMessage>(1);
        Route(entity, message, 0, result);
        return result;
    }

    /// <summary>The places of a message that becomes a dead letter of an entity. Where it is forwarded to it says from where it came.</summary>
    internal List<QueuedMessage> RouteDeadLetter(QueueEntity entity, QueuedMessage message)
    {
        if (entity.Properties.ForwardDeadLetteredMessagesTo is { } target && catalog.Find(target) is { Properties.CanSend: true } next && next != entity)
        {
            message.SessionId = EncodedMessage.ReadSessionId(message.Payload!);
            message.Annotations = EncodedMessage.WithDeadLetterSource(message.Annotations, entity.Name);
            var result = new List<QueuedMessage>(1);
            CheckDuplicate(next, message);
            Route(next, message, 1, result);
            return result;
        }

        return [message.At(entity.Id, QueuePart.DeadLetter, null)];
    }

    /// <summary>Lets the writer drop the message if the entity asks for that and has had its id.</summary>
    internal void CheckDuplicate(Entity entity, QueuedMessage message)
    {
        if (entity.Properties.RequiresDuplicateDetection && (message.MessageId ??= EncodedMessage.ReadMessageId(message.Payload!)) is { } id)
        {
            // The window begins when the message is enqueued.
            var until = (message.VisibleAt ?? time.GetUtcNow().UtcDateTime) + entity.Properties.DuplicateDetectionHistoryTimeWindow;
            message.Duplicates = new DuplicateCheck(entity.Id, id, until, message.Duplicates);
        }
    }

    private void Route(Entity entity, QueuedMessage message, int forwards, List<QueuedMessage> result)
    {
        Limit(entity, message);
        switch (entity)
        {
            case TopicEntity topic:
                RouteToSubscriptions(topic, message, forwards, result);
                break;
            case QueueEntity { Properties.ForwardTo: { } target } queue:
                Forward(queue, target, message, forwards, result);
                break;
            case QueueEntity { Properties.RequiresSession: true } queue when message.SessionId is null:
                result.Add(DeadLetter(queue, message, QueuePart.DeadLetter, "Session id is null.", "The entity requires sessions, and the message has no session id."));
                break;
            case QueueEntity queue:
                result.Add(message.At(queue.Id, QueuePart.Main, queue.Properties.RequiresSession ? message.SessionId : null));
                break;
        }
    }

    private void Forward(QueueEntity queue, string target, QueuedMessage message, int forwards, List<QueuedMessage> result)
    {
        if (forwards >= MaxForwards)
        {
            result.Add(DeadLetter(queue, message, QueuePart.TransferDeadLetter, "MaxTransferHopCountExceeded", $"A message is forwarded at most {MaxForwards} times."));
        }
        else if (catalog.Find(target) is not { Properties.CanSend: true } next)
        {
            result.Add(DeadLetter(queue, message, QueuePart.TransferDeadLetter, "TransferDestinationUnavailable", $"'{target}' does not exist or takes no messages."));
        }
        else if (next.SizeBytes + message.Bytes > next.MaxSizeBytes)
        {
            result.Add(DeadLetter(queue, message, QueuePart.TransferDeadLetter, "TransferDestinationQuotaExceeded", $"'{target}' is full."));
        }
        else
        {
            CheckDuplicate(next, message);
            Route(next, message, forwards + 1, result);
        }
    }

    private void RouteToSubscriptions(TopicEntity topic, QueuedMessage message, int forwards, List<QueuedMessage> result)
    {
        foreach (var subscription in topic.Subscriptions)
        {
            if (subscription.Properties.CanSend)
            {
                RouteToSubscription(subscription, message, forwards, result);
            }
        }
    }

    // Rules without an action give one copy together; each rule with an action gives a changed copy of its own.
    private void RouteToSubscription(QueueEntity subscription, QueuedMessage message, int forwards, List<QueuedMessage> result)
    {
        var seen = new FilteredMessage(message.Payload!, message.EnqueuedAt, message.ExpiresAt);
        var isCopied = false;
        try
        {
            foreach (var rule in subscription.Rules)
            {
                if (rule.HasAction && rule.IsMatch(seen))
                {
                    var changed = new FilteredMessage(message.Payload!, message.EnqueuedAt, message.ExpiresAt);
                    rule.Apply(changed);
                    Route(subscription, message.With(changed.Encode(), changed.GetSystem("SessionId") as string), forwards, result);
                }
                else if (!rule.HasAction && !isCopied && rule.IsMatch(seen))
                {
                    isCopied = true;
                    Route(subscription, message.With(message.Payload!, message.SessionId), forwards, result);
                }
            }
        }
        catch (FilterException exception) when (subscription.Properties.DeadLetteringOnFilterEvaluationExceptions)
        {
            result.Add(DeadLetter(subscription, message, QueuePart.DeadLetter, "FilterEvaluationException", exception.Message));
        }
        catch (FilterException)
        {
            // The subscription asked not to be given what its filters cannot judge.
        }
    }

    private static QueuedMessage DeadLetter(QueueEntity queue, QueuedMessage message, QueuePart part, string reason, string description)
    {
        var payload = EncodedMessage.WithApplicationProperties(message.Payload!, EncodedMessage.DeadLetterProperties(reason, description));
        return message.With(payload, null).At(queue.Id, part, null);
    }

    private static void Limit(Entity entity, QueuedMessage message)
    {
        var longest = entity.Properties.DefaultMessageTimeToLive;
        if (longest < DateTime.MaxValue - message.EnqueuedAt && (message.ExpiresAt is null || message.ExpiresAt > message.EnqueuedAt + longest))
        {
            message.ExpiresAt = message.EnqueuedAt + longest;
        }
    }
}
