using System.Globalization;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Transactions;
using Amqp.Types;
using Outcome = AiPlatform.ServiceBusEmulator.Queues.Outcome;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>The <c>$management</c> node of an entity or of a part of it: the request-response operations of the protocol guide.</summary>
internal sealed partial class ManagementEndpoint(
    Session session, ConnectionState state, Broker broker, Entity entity, MessageQueue? part, ServiceBusOptions options, TimeProvider time, ILogger logger)
    : RequestEndpoint(state, logger)
{
    private const int MaxPeek = 250;
    private const int MaxDeletion = 4_000;
    private const string SessionIdKey = "session-id";

    private static readonly Reply Ok = new(200, "OK");
    private static readonly Reply NoContent = new(204, "No content");
    private static readonly Reply LockLost = new(410, "The lock is invalid: it expired, or the message was settled already.", AmqpNames.MessageLockLost);
    private static readonly Reply SessionLost = new(410, "The session's lock is not held.", AmqpNames.SessionLockLost);
    private static readonly Reply NotFound = new(404, "No such message.", AmqpNames.MessageNotFound);
    private static readonly Reply NoTransaction = new(400, "The transaction does not exist or has ended.", ErrorCode.TransactionUnknownId);

    protected override string StatusKey => "statusCode";

    protected override string DescriptionKey => "statusDescription";

    // A topic has nothing to receive, and what is asked of a queue is malformed there.
    private MessageQueue Queue => part ?? throw new FormatException("A topic has no messages to receive.");

    protected override Task<Reply> HandleAsync(Message request, TransactionalState? transactional)
    {
        var operation = request.ApplicationProperties?.Map["operation"] as string;
        if (!(State.RightEnds((part?.Name ?? entity.Name) + AmqpNames.ManagementSuffix, Needed(operation)) > time.GetUtcNow()))
        {
            return Task.FromResult(new Reply(401, "The token has expired, or does not allow the operation.", ErrorCode.UnauthorizedAccess));
        }

        var body = request.Body as Map ?? throw new FormatException("The body is not a map.");
        return operation switch
        {
            "com.microsoft:renew-lock" => Task.FromResult(RenewLock(body)),
            "com.microsoft:schedule-message" => ScheduleAsync(body, transactional),
            "com.microsoft:cancel-scheduled-message" => CancelScheduledAsync(body),
            "com.microsoft:peek-message" => PeekAsync(body),
            "com.microsoft:receive-by-sequence-number" => ReceiveDeferredAsync(body),
            "com.microsoft:batch-delete-messages" => DeleteAsync(body),
            "com.microsoft:update-disposition" => UpdateDispositionAsync(body, transactional),
            "com.microsoft:renew-session-lock" => Task.FromResult(RenewSessionLock(body)),
            "com.microsoft:set-session-state" => SetSessionStateAsync(body),
            "com.microsoft:get-session-state" => GetSessionStateAsync(body),
            "com.microsoft:get-message-sessions" => ListSessionsAsync(body),
            "com.microsoft:add-rule" => AddRuleAsync(body),
            "com.microsoft:remove-rule" => RemoveRuleAsync(body),
            "com.microsoft:enumerate-rules" => Task.FromResult(ListRules(body)),
            var other => Task.FromResult(new Reply(501, $"The operation {other} is not known.", ErrorCode.NotImplemented)),
        };
    }

    private static AccessRights Needed(string? operation) => operation switch
    {
        "com.microsoft:schedule-message" or "com.microsoft:cancel-scheduled-message" => AccessRights.Send,
        "com.microsoft:add-rule" or "com.microsoft:remove-rule" or "com.microsoft:enumerate-rules" => AccessRights.Manage,
        _ => AccessRights.Listen,
    };

    private static Guid[] Tokens(Map body) => Items<Guid>(body["lock-tokens"]);

    // Arrays come as arrays of their type, or as lists from SDKs that encode them so.
    private static T[] Items<T>(object? value) => value switch
    {
        T[] array => array,
        System.Collections.IEnumerable items => [.. items.Cast<object>().Select(item => (T)Convert.ChangeType(item, typeof(T), CultureInfo.InvariantCulture))],
        _ => throw new FormatException("A list is missing."),
    };

    private static int Number(object? value, int otherwise) => value is null ? otherwise : Convert.ToInt32(value, CultureInfo.InvariantCulture);

    private static Map Item(Delivery delivery, string queueName, bool isLocked)
    {
        var item = new Map { ["message"] = EncodedMessage.ToArray(MessageCodec.Write(delivery, queueName)) };
        if (isLocked)
        {
            item["lock-token"] = delivery.LockToken;
        }

        return item;
    }

    // Locks of a session's messages are with the session.
    private MessageQueue? Holder(Map body)
        => Queue.Part == QueuePart.Main && Queue.Entity.Sessions is { } sessions
            ? body[SessionIdKey] is string id && sessions.Find(id) is { IsLost: false } hold ? hold.Messages : null
            : Queue;

    private Reply RenewLock(Map body)
        => Holder(body)?.Renew(Tokens(body)) is { } expirations
            ? Ok with { Body = new Map { ["expirations"] = expirations } }
            : LockLost;

    private async Task<Reply> ScheduleAsync(Map body, TransactionalState? transactional)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var messages = new List<QueuedMessage>();
        foreach (var item in (List)body["messages"])
        {
            var encoded = (byte[])((Map)item)["message"];
            if (encoded.Length > entity.MaxMessageSize(options.MaxMessageSizeBytes))
            {
                return new Reply(413, "The message is too large.", ErrorCode.MessageSizeExceeded);
            }

            messages.AddRange(MessageCodec.Read(encoded, isBatch: false, now));
        }

        if (!entity.Properties.CanSend)
        {
            return new Reply(403, $"The entity '{entity.Name}' takes no messages now.", AmqpNames.EntityDisabled);
        }

        if (entity is QueueEntity { Sessions: not null } && messages.Exists(static message => message.SessionId is null))
        {
            return new Reply(400, "The entity requires sessions, and a message has no session id.", ErrorCode.NotAllowed);
        }

        if (transactional is not null)
        {
            // Sequence numbers are given at the commit, and the caller must be told them now.
            return new Reply(501, "Messages cannot be scheduled in a transaction; send them with a scheduled time.", ErrorCode.NotImplemented);
        }

        try
        {
            await broker.SendAsync(entity, messages);
        }
        catch (BrokerBusyException exception)
        {
            return new Reply(503, exception.Message, AmqpNames.ServerBusy);
        }
        catch (QuotaExceededException exception)
        {
            return new Reply(403, exception.Message, ErrorCode.ResourceLimitExceeded);
        }

        return Ok with { Body = new Map { ["sequence-numbers"] = messages.Select(message => message.Id).ToArray() } };
    }

    private async Task<Reply> CancelScheduledAsync(Map body)
        => await broker.CancelScheduledAsync(entity, Items<long>(body["sequence-numbers"])) is { Count: > 0 } missing
            ? NotFound with { Description = $"Messages not found. Missing sequence numbers: {string.Join(", ", missing)}" }
            : Ok;

    private async Task<Reply> PeekAsync(Map body)
    {
        var from = Convert.ToInt64(body["from-sequence-number"], CultureInfo.InvariantCulture);
        var count = Math.Clamp(Number(body["message-count"], 1), 1, MaxPeek);
        var messages = await broker.Store.PeekAsync(Queue.Entity.Id, Queue.Part, body[SessionIdKey] as string, from, count, CancellationToken.None);
        if (messages.Count == 0)
        {
            return NoContent;
        }

        var list = new List();
        list.AddRange(messages.Select(message => Item(new Delivery(message, message.Payload!, Guid.Empty, default), entity.Name, isLocked: false)));
        return Ok with { Body = new Map { ["messages"] = list } };
    }

    private async Task<Reply> ReceiveDeferredAsync(Map body)
    {
        if (Holder(body) is not { } holder)
        {
            return SessionLost;
        }

        var deletes = body["receiver-settle-mode"] is { } mode && Number(mode, 0) == 0;
        var deliveries = await holder.ReceiveDeferredAsync(Items<long>(body["sequence-numbers"]), deletes, CancellationToken.None);
        if (deliveries is null)
        {
            return NotFound;
        }

        var list = new List();
        list.AddRange(deliveries.Select(delivery => Item(delivery, entity.Name, isLocked: !deletes)));
        return Ok with { Body = new Map { ["messages"] = list } };
    }

    private async Task<Reply> DeleteAsync(Map body)
    {
        if (Holder(body) is not { } holder)
        {
            return SessionLost;
        }

        // Times of the protocol are whole milliseconds: what came within this one is before the moment that the client means.
        var before = ((DateTime)body["enqueued-time-utc"]).ToUniversalTime().AddMilliseconds(1);
        var count = Math.Clamp(Number(body["message-count"], 1), 1, MaxDeletion);
        return Ok with { Body = new Map { ["message-count"] = await holder.DeleteAsync(count, before, CancellationToken.None) } };
    }

    private async Task<Reply> UpdateDispositionAsync(Map body, TransactionalState? transactional)
    {
        var changes = Dispositions.Properties(body["properties-to-modify"] as Map);
        var outcome = body["disposition-status"] switch
        {
            "completed" => Outcome.Completed,
            "abandoned" => new Outcome(OutcomeKind.Abandon, changes),
            "defered" => new Outcome(OutcomeKind.Defer, changes),
            "suspended" => new Outcome(OutcomeKind.DeadLetter, changes, body["deadletter-reason"] as string, body["deadletter-description"] as string),
            _ => throw new FormatException("The disposition status is not known."),
        };
        if (Holder(body) is not { } holder)
        {
            return SessionLost;
        }

        if (transactional is null)
        {
            return await holder.SettleAsync(Tokens(body), outcome) ? Ok : LockLost;
        }

        if (State.FindTransaction(transactional.TxnId) is not { } transaction)
        {
            return NoTransaction;
        }

        try
        {
            transaction.Enter(session, entity.Root);
            return await holder.BeginAsync(Tokens(body), outcome) is not { } settlement ? LockLost : transaction.TryAdd(settlement) ? Ok : NoTransaction;
        }
        catch (TransactionScopeException exception)
        {
            return new Reply(400, exception.Message, ErrorCode.NotAllowed);
        }
        catch (TransactionLimitException exception)
        {
            return new Reply(403, exception.Message, ErrorCode.ResourceLimitExceeded);
        }
    }
}
