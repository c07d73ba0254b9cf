using AiPlatform.Messaging.Transport;
using Amqp;
using Amqp.Framing;
using Amqp.Transactions;

namespace AiPlatform.Messaging;

/// <summary>Sends messages to one queue or topic. Safe for use by several threads; meant to live as long as its client.</summary>
public class ServiceBusSender : IAsyncDisposable
{
    private readonly RetryRunner _retry;
    private readonly TransactionCoordinator _transactions;
    private readonly ManagementClient _management;
    private readonly RecoverableLink<OpenedSender> _link;

    internal ServiceBusSender(AmqpConnectionScope scope, string entityPath, string fullyQualifiedNamespace, string identifier, RetryRunner retry, TransactionCoordinator transactions)
    {
        EntityPath = entityPath;
        FullyQualifiedNamespace = fullyQualifiedNamespace;
        Identifier = identifier;
        _retry = retry;
        _transactions = transactions;
        _management = new ManagementClient(scope, entityPath, retry);
        _link = new(
            token => OpenedSender.OpenAsync(scope, entityPath, token),
            static sender => !sender.Link.IsClosed,
            static sender => LinkOpening.CloseAsync(sender.Link.Session),
            retry.Options.TryTimeout,
            retry.Time);
    }

    /// <summary>The queue or topic.</summary>
    public virtual string EntityPath { get; }

    /// <summary>The host name of the namespace.</summary>
    public virtual string FullyQualifiedNamespace { get; }

    /// <summary>The sender's name.</summary>
    public virtual string Identifier { get; }

    /// <summary>Whether the sender was closed.</summary>
    public virtual bool IsClosed { get; private set; }

    /// <summary>Sends a message; returns when the broker has made it durable.</summary>
    /// <exception cref="ServiceBusException">The message was not accepted.</exception>
    public virtual Task SendMessageAsync(ServiceBusMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);

        // A repeat after a lost connection keeps its id, so that duplicates can be told.
        message.MessageId ??= Guid.NewGuid().ToString("N");
        return TransferAsync(() => AmqpMessageConverter.ToAmqp(message), cancellationToken);
    }

    /// <summary>Sends messages in one transfer: all are accepted, or none.</summary>
    /// <exception cref="ServiceBusException">The messages were not accepted; reason <see cref="ServiceBusFailureReason.MessageSizeExceeded"/> when they are too large together.</exception>
    public virtual async Task SendMessagesAsync(IEnumerable<ServiceBusMessage> messages, CancellationToken cancellationToken = default)
    {
        var list = messages.ToList();
        switch (list)
        {
            case []:
                return;
            case [var single]:
                await SendMessageAsync(single, cancellationToken);
                return;
        }

        using var batch = await CreateMessageBatchAsync(cancellationToken);
        foreach (var message in list)
        {
            if (!batch.TryAddMessage(message))
            {
                throw new ServiceBusException(
                    $"The messages together are larger than {batch.MaxSizeInBytes} bytes.", ServiceBusFailureReason.MessageSizeExceeded, EntityPath);
            }
        }

        await SendMessagesAsync(batch, cancellationToken);
    }

    /// <summary>Sends a batch: all of it is accepted, or none.</summary>
    public virtual Task SendMessagesAsync(ServiceBusMessageBatch messageBatch, CancellationToken cancellationToken = default)
        => messageBatch.Count == 0
            ? Task.CompletedTask
            : TransferAsync(() => AmqpMessageConverter.ToBatch(messageBatch.Messages), cancellationToken);

    /// <summary>Creates an empty batch of the size that the broker allows.</summary>
    public virtual async ValueTask<ServiceBusMessageBatch> CreateMessageBatchAsync(CancellationToken cancellationToken = default)
    {
        var sender = await _retry.RunAsync(token => _link.GetAsync(token).AsTask(), EntityPath, cancellationToken);
        return new ServiceBusMessageBatch(sender.MaxMessageSize);
    }

    /// <summary>Sends a message that becomes visible at a time.</summary>
    /// <returns>Its sequence number, by which it can be cancelled.</returns>
    public virtual async Task<long> ScheduleMessageAsync(
        ServiceBusMessage message,
        DateTimeOffset scheduledEnqueueTime,
        CancellationToken cancellationToken = default)
        => (await ScheduleMessagesAsync([message], scheduledEnqueueTime, cancellationToken))[0];

    /// <summary>Sends messages that become visible at a time.</summary>
    /// <returns>Their sequence numbers, in order.</returns>
    public virtual async Task<IReadOnlyList<long>> ScheduleMessagesAsync(
        IEnumerable<ServiceBusMessage> messages,
        DateTimeOffset scheduledEnqueueTime,
        CancellationToken cancellationToken = default)
    {
        var encoded = new List<(string, string?, string?, byte[])>();
        foreach (var message in messages)
        {
            message.MessageId ??= Guid.NewGuid().ToString("N");
            message.ScheduledEnqueueTime = scheduledEnqueueTime;
            encoded.Add((message.MessageId, message.SessionId, message.PartitionKey, AmqpMessageConverter.Encode(AmqpMessageConverter.ToAmqp(message))));
        }

        return encoded.Count == 0 ? [] : await _management.ScheduleAsync(encoded, cancellationToken);
    }

    /// <summary>Cancels a scheduled message.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.MessageNotFound"/>: it is no longer scheduled.</exception>
    public virtual Task CancelScheduledMessageAsync(long sequenceNumber, CancellationToken cancellationToken = default)
        => CancelScheduledMessagesAsync([sequenceNumber], cancellationToken);

    /// <summary>Cancels scheduled messages.</summary>
    public virtual Task CancelScheduledMessagesAsync(IEnumerable<long> sequenceNumbers, CancellationToken cancellationToken = default)
        => _management.CancelScheduledAsync([.. sequenceNumbers], cancellationToken);

    /// <summary>Closes the sender's links.</summary>
    public virtual async Task CloseAsync(CancellationToken cancellationToken = default)
    {
        IsClosed = true;
        await _link.DisposeAsync();
        await _management.DisposeAsync();
    }

    /// <inheritdoc />
    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private async Task TransferAsync(Func<Message> create, CancellationToken cancellationToken)
    {
        var transaction = await _transactions.EnlistAsync(cancellationToken);
        await _retry.RunAsync(
            async token =>
            {
                var sender = await _link.GetAsync(token);
                await sender.SendAsync(create(), transaction, token);
            },
            EntityPath,
            cancellationToken);
    }

    private sealed class OpenedSender(SenderLink link, long maxMessageSize)
    {
        private const long DefaultMaxMessageSize = 1024 * 1024;

        internal SenderLink Link => link;

        internal long MaxMessageSize => maxMessageSize;

        internal static async Task<OpenedSender> OpenAsync(AmqpConnectionScope scope, string entityPath, CancellationToken cancellationToken)
        {
            var session = await scope.OpenSessionAsync(entityPath, cancellationToken);
            try
            {
                var max = DefaultMaxMessageSize;
                var link = await LinkOpening.OpenSenderAsync(
                    session,
                    $"{entityPath}-{Guid.NewGuid():N}",
                    new Attach { Source = new Source(), Target = new Target { Address = entityPath }, SndSettleMode = SenderSettleMode.Unsettled },
                    answer => max = answer.HasField(10) && answer.MaxMessageSize is > 0 and < int.MaxValue ? (long)answer.MaxMessageSize : DefaultMaxMessageSize,
                    cancellationToken);
                return new OpenedSender(link, max);
            }
            catch
            {
                _ = LinkOpening.CloseAsync(session);
                throw;
            }
        }

        internal async Task SendAsync(Message message, TransactionalState? transaction, CancellationToken cancellationToken)
        {
            var settled = new TaskCompletionSource<Outcome?>(TaskCreationOptions.RunContinuationsAsynchronously);
            link.Send(message, transaction, (_, _, outcome, _) => settled.TrySetResult(outcome), null);
            switch (await settled.Task.WaitAsync(cancellationToken))
            {
                case Accepted or null:
                    return;
                case Rejected rejected:
                    throw new AmqpException(rejected.Error ?? new Error(ErrorCode.InternalError));
                default:
                    throw new AmqpException(new Error(ErrorCode.MessageReleased) { Description = "The broker did not take the message." });
            }
        }
    }
}
