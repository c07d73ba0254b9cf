using Amqp;
using Amqp.Framing;
using Amqp.Transactions;
using Amqp.Types;

namespace AiPlatform.Messaging.Transport;

/// <summary>The request-response operations of one entity.</summary>
internal sealed class ManagementClient : IAsyncDisposable
{
    private readonly string _entityPath;
    private readonly RetryRunner _retry;
    private readonly RecoverableLink<RequestResponseLink> _link;
    private readonly ReceiverSession? _session;

    internal ManagementClient(AmqpConnectionScope scope, string entityPath, RetryRunner retry, ReceiverSession? session = null)
    {
        _session = session;
        _entityPath = entityPath;
        _retry = retry;
        _link = new(token => scope.OpenManagementAsync(entityPath, token), static link => link.IsOpen, static link => link.CloseAsync(), retry.Options.TryTimeout, retry.Time);
    }

    /// <summary>Settles locked messages; returns only when the broker has confirmed every one of them.</summary>
    internal Task UpdateDispositionAsync(
        Guid[] lockTokens,
        string status,
        IDictionary<string, object>? propertiesToModify,
        string? reason,
        string? description,
        TransactionalState? transaction,
        CancellationToken cancellationToken)
    {
        var body = new Map { ["lock-tokens"] = lockTokens, ["disposition-status"] = status };
        if (reason is not null)
        {
            body["deadletter-reason"] = reason;
        }

        if (description is not null)
        {
            body["deadletter-description"] = description;
        }

        if (propertiesToModify is { Count: > 0 })
        {
            var map = new Map();
            foreach (var (key, value) in propertiesToModify)
            {
                map[key] = AmqpMessageConverter.ToAmqpValue(value);
            }

            body["properties-to-modify"] = map;
        }

        return CallAsync(ServiceBusAmqp.UpdateDisposition, body, cancellationToken, transaction);
    }

    internal async Task<DateTimeOffset> RenewLockAsync(Guid lockToken, CancellationToken cancellationToken)
    {
        var answer = await CallAsync(ServiceBusAmqp.RenewLock, new Map { ["lock-tokens"] = new[] { lockToken } }, cancellationToken);
        return answer?["expirations"] is DateTime[] { Length: > 0 } times
            ? new DateTimeOffset(DateTime.SpecifyKind(times[0], DateTimeKind.Utc))
            : throw new ServiceBusException("The broker's answer to renew-lock has no expiry.", ServiceBusFailureReason.GeneralError, _entityPath);
    }

    internal async Task<DateTimeOffset> RenewSessionLockAsync(CancellationToken cancellationToken)
        => (await CallAsync(ServiceBusAmqp.RenewSessionLock, [], cancellationToken))?["expiration"] is DateTime time
            ? new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc))
            : throw new ServiceBusException("The broker's answer to renew-session-lock has no expiry.", ServiceBusFailureReason.GeneralError, _entityPath);

    internal async Task<BinaryData?> GetSessionStateAsync(CancellationToken cancellationToken)
        => (await CallAsync(ServiceBusAmqp.GetSessionState, [], cancellationToken))?["session-state"] is byte[] state ? BinaryData.FromBytes(state) : null;

    internal Task SetSessionStateAsync(BinaryData? state, CancellationToken cancellationToken)
        => CallAsync(ServiceBusAmqp.SetSessionState, new Map { ["session-state"] = state?.ToArray() }, cancellationToken);

    internal async Task<long[]> ScheduleAsync(IEnumerable<(string MessageId, string? SessionId, string? PartitionKey, byte[] Encoded)> messages, CancellationToken cancellationToken)
    {
        var list = new List();
        foreach (var (messageId, sessionId, partitionKey, encoded) in messages)
        {
            var map = new Map { ["message-id"] = messageId, ["message"] = encoded };
            if (sessionId is not null)
            {
                map["session-id"] = sessionId;
            }

            if (partitionKey is not null)
            {
                map["partition-key"] = partitionKey;
            }

            list.Add(map);
        }

        var answer = await CallAsync(ServiceBusAmqp.ScheduleMessage, new Map { ["messages"] = list }, cancellationToken);
        return answer?["sequence-numbers"] as long[] ?? [];
    }

    internal Task CancelScheduledAsync(long[] sequenceNumbers, CancellationToken cancellationToken)
        => CallAsync(ServiceBusAmqp.CancelScheduledMessage, new Map { ["sequence-numbers"] = sequenceNumbers }, cancellationToken);

    internal async Task<IReadOnlyList<ServiceBusReceivedMessage>> PeekAsync(long fromSequenceNumber, int maxMessages, CancellationToken cancellationToken)
    {
        var answer = await CallAsync(
            ServiceBusAmqp.PeekMessage,
            new Map { ["from-sequence-number"] = fromSequenceNumber, ["message-count"] = maxMessages },
            cancellationToken);
        return ReadMessages(answer);
    }

    internal async Task<IReadOnlyList<ServiceBusReceivedMessage>> ReceiveDeferredAsync(long[] sequenceNumbers, bool peekLock, CancellationToken cancellationToken)
    {
        var answer = await CallAsync(
            ServiceBusAmqp.ReceiveBySequenceNumber,
            new Map { ["sequence-numbers"] = sequenceNumbers, ["receiver-settle-mode"] = peekLock ? 1u : 0u },
            cancellationToken);
        return ReadMessages(answer);
    }

    public ValueTask DisposeAsync() => _link.DisposeAsync();

    private static List<ServiceBusReceivedMessage> ReadMessages(Map? answer)
    {
        var result = new List<ServiceBusReceivedMessage>();
        foreach (var item in answer?["messages"] as List ?? [])
        {
            if (item is Map map && map["message"] is byte[] encoded)
            {
                var message = Message.Decode(new ByteBuffer(encoded, 0, encoded.Length, encoded.Length));
                result.Add(AmqpMessageConverter.FromAmqp(message, map["lock-token"] is Guid token ? token : Guid.Empty, isDelivery: false));
            }
        }

        return result;
    }

    private Task<Map?> CallAsync(string operation, Map body, CancellationToken cancellationToken, TransactionalState? transaction = null)
    {
        if (_session is not null)
        {
            body["session-id"] = _session.Id;
        }

        return _retry.RunAsync(
            async token =>
            {
                var link = await _link.GetAsync(token);
                var request = new Message(body)
                {
                    ApplicationProperties = new ApplicationProperties
                    {
                        ["operation"] = operation,
                        ["com.microsoft:server-timeout"] = (uint)_retry.Options.TryTimeout.TotalMilliseconds,
                    },
                };
                var answer = await link.SendAsync(request, token, transaction);
                var (status, condition, description) = RequestResponseLink.ReadStatus(answer);
                return status switch
                {
                    200 or 202 => answer.Body as Map,
                    204 => null,
                    _ => throw AmqpErrors.FromStatus(status, condition, description, _entityPath),
                };
            },
            _entityPath,
            cancellationToken);
    }
}
