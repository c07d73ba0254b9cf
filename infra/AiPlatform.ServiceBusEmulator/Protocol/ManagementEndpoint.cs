using System.Collections;
using System.Globalization;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>The <c>$management</c> node of a queue part: the request-response operations of the protocol guide.</summary>
internal sealed class ManagementEndpoint(
    ConnectionState state, Broker broker, MessageQueue queue, ServiceBusOptions options, TimeProvider time, ILogger logger) : RequestEndpoint(state, logger)
{
    private const int MaxPeek = 250;

    private static readonly Reply Ok = new(200, "OK");
    private static readonly Reply NoContent = new(204, "No content");
    private static readonly Reply LockLost = new(410, "The lock is invalid: it expired, or the message was settled already.", AmqpNames.MessageLockLost);
    private static readonly Reply NotFound = new(404, "No such message.", AmqpNames.MessageNotFound);

    protected override string StatusKey => "statusCode";

    protected override string DescriptionKey => "statusDescription";

    protected override Task<Reply> HandleAsync(Message request)
    {
        if (!(State.RightEnds(queue.Name + AmqpNames.ManagementSuffix) > time.GetUtcNow()))
        {
            return Task.FromResult(new Reply(401, "The token has expired.", ErrorCode.UnauthorizedAccess));
        }

        var body = request.Body as Map ?? throw new FormatException("The body is not a map.");
        return request.ApplicationProperties?.Map["operation"] switch
        {
            "com.microsoft:renew-lock" => Task.FromResult(RenewLock(body)),
            "com.microsoft:schedule-message" => ScheduleAsync(body),
            "com.microsoft:cancel-scheduled-message" => CancelScheduledAsync(body),
            "com.microsoft:peek-message" => PeekAsync(body),
            "com.microsoft:receive-by-sequence-number" => ReceiveDeferredAsync(body),
            "com.microsoft:update-disposition" => UpdateDispositionAsync(body),
            var other => Task.FromResult(new Reply(501, $"The operation {other} is not known.", ErrorCode.NotImplemented)),
        };
    }

    private static Guid[] Tokens(Map body) => Items<Guid>(body["lock-tokens"]);

    // Arrays come as arrays of their type, or as lists from SDKs that encode them so.
    private static T[] Items<T>(object? value) => value switch
    {
        T[] array => array,
        IEnumerable items => [.. items.Cast<object>().Select(item => (T)Convert.ChangeType(item, typeof(T), CultureInfo.InvariantCulture))],
        _ => throw new FormatException("A list is missing."),
    };

    private static Map Item(Delivery delivery, string queueName, bool isLocked)
    {
        var item = new Map { ["message"] = MessageCodec.ToArray(MessageCodec.Write(delivery, queueName)) };
        if (isLocked)
        {
            item["lock-token"] = delivery.LockToken;
        }

        return item;
    }

    private Reply RenewLock(Map body)
        => queue.Renew(Tokens(body)) is { } expirations
            ? Ok with { Body = new Map { ["expirations"] = expirations } }
            : LockLost;

    private async Task<Reply> ScheduleAsync(Map body)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var messages = new List<QueuedMessage>();
        foreach (var item in (List)body["messages"])
        {
            var encoded = (byte[])((Map)item)["message"];
            if (encoded.Length > options.MaxMessageSizeBytes)
            {
                return new Reply(413, "The message is too large.", ErrorCode.MessageSizeExceeded);
            }

            messages.AddRange(MessageCodec.Read(encoded, isBatch: false, queue.Entity.Id, queue.Part, now));
        }

        try
        {
            await broker.SendAsync(queue, messages);
        }
        catch (BrokerBusyException exception)
        {
            return new Reply(503, exception.Message, AmqpNames.ServerBusy);
        }

        return Ok with { Body = new Map { ["sequence-numbers"] = messages.Select(message => message.Id).ToArray() } };
    }

    private async Task<Reply> CancelScheduledAsync(Map body)
        => await broker.CancelScheduledAsync(queue, Items<long>(body["sequence-numbers"])) ? Ok : NotFound;

    private async Task<Reply> PeekAsync(Map body)
    {
        var from = Convert.ToInt64(body["from-sequence-number"], CultureInfo.InvariantCulture);
        var count = Math.Clamp(Convert.ToInt32(body["message-count"], CultureInfo.InvariantCulture), 1, MaxPeek);
        var messages = await broker.PeekAsync(queue, from, count, CancellationToken.None);
        if (messages.Count == 0)
        {
            return NoContent;
        }

        var list = new List();
        list.AddRange(messages.Select(message => Item(new Delivery(message, message.Payload!, Guid.Empty, default), queue.Entity.Name, isLocked: false)));
        return Ok with { Body = new Map { ["messages"] = list } };
    }

    private async Task<Reply> ReceiveDeferredAsync(Map body)
    {
        var deletes = body["receiver-settle-mode"] is { } mode && Convert.ToInt32(mode, CultureInfo.InvariantCulture) == 0;
        var deliveries = await queue.ReceiveDeferredAsync(Items<long>(body["sequence-numbers"]), deletes, CancellationToken.None);
        if (deliveries is null)
        {
            return NotFound;
        }

        var list = new List();
        list.AddRange(deliveries.Select(delivery => Item(delivery, queue.Entity.Name, isLocked: !deletes)));
        return Ok with { Body = new Map { ["messages"] = list } };
    }

    private async Task<Reply> UpdateDispositionAsync(Map body)
    {
        var tokens = Tokens(body);
        var properties = Dispositions.Properties(body["properties-to-modify"] as Map);
        var isHeld = body["disposition-status"] switch
        {
            "completed" => await queue.CompleteAsync(tokens),
            "abandoned" => await queue.AbandonAsync(tokens, properties),
            "defered" => await queue.DeferAsync(tokens, properties),
            "suspended" => await queue.DeadLetterAsync(tokens, body["deadletter-reason"] as string, body["deadletter-description"] as string, properties),
            _ => throw new FormatException("The disposition status is not known."),
        };
        return isHeld ? Ok : LockLost;
    }
}
