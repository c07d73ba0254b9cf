using System.Runtime.CompilerServices;
using AiPlatform.Messaging.Transport;

namespace AiPlatform.Messaging;

/// <summary>
/// Receives and settles messages of one queue or subscription. Settlement is confirmed: a lost lock is an exception,
/// never silent. Safe for use by several threads.
/// </summary>
public partial class ServiceBusReceiver : IAsyncDisposable
{
    private readonly RetryRunner _retry;
    private readonly TransactionCoordinator _transactions;
    private readonly MessagePump _pump;
    private readonly ManagementClient _management;
    private readonly CompletionBatcher _completions;
    private long _nextPeek = 1;

    internal ServiceBusReceiver(
        AmqpConnectionScope scope,
        string entityPath,
        string fullyQualifiedNamespace,
        ServiceBusReceiverOptions options,
        RetryRunner retry,
        TransactionCoordinator transactions,
        ReceiverSession? session = null)
    {
        var path = options.SubQueue switch
        {
            SubQueue.DeadLetter => entityPath + ServiceBusAmqp.DeadLetterSuffix,
            SubQueue.TransferDeadLetter => entityPath + "/$Transfer" + ServiceBusAmqp.DeadLetterSuffix,
            _ => entityPath,
        };
        EntityPath = path;
        FullyQualifiedNamespace = fullyQualifiedNamespace;
        ReceiveMode = options.ReceiveMode;
        PrefetchCount = options.PrefetchCount;
        Identifier = options.Identifier is { Length: > 0 } identifier ? identifier : $"{path}-{Guid.NewGuid():N}";
        _retry = retry;
        _transactions = transactions;
        _pump = new MessagePump(scope, path, options.ReceiveMode, options.PrefetchCount, retry, session);
        _management = new ManagementClient(scope, path, retry, session);
        _completions = new CompletionBatcher((tokens, token) => _management.UpdateDispositionAsync(tokens, "completed", null, null, null, null, token));
    }

    /// <summary>The queue or subscription, with the sub-queue.</summary>
    public virtual string EntityPath { get; }

    /// <summary>The host name of the namespace.</summary>
    public virtual string FullyQualifiedNamespace { get; }

    /// <summary>What receiving does.</summary>
    public virtual ServiceBusReceiveMode ReceiveMode { get; }

    /// <summary>Messages asked for ahead.</summary>
    public virtual int PrefetchCount { get; }

    /// <summary>The receiver's name.</summary>
    public virtual string Identifier { get; }

    /// <summary>Whether the receiver was closed.</summary>
    public virtual bool IsClosed { get; private set; }

    /// <summary>Receives a message; null when none came in time.</summary>
    /// <param name="maxWaitTime">How long to wait; <see cref="ServiceBusRetryOptions.TryTimeout"/> when not given.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServiceBusException">The broker refused, or stayed away for longer than the retry options allow.</exception>
    public virtual async Task<ServiceBusReceivedMessage?> ReceiveMessageAsync(TimeSpan? maxWaitTime = null, CancellationToken cancellationToken = default)
        => await ReceiveMessagesAsync(1, maxWaitTime, cancellationToken) is [var message, ..] ? message : null;

    /// <summary>Receives up to <paramref name="maxMessages"/> messages; returns as soon as there is one, empty when none came in time.</summary>
    public virtual async Task<IReadOnlyList<ServiceBusReceivedMessage>> ReceiveMessagesAsync(
        int maxMessages,
        TimeSpan? maxWaitTime = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxMessages);
        ObjectDisposedException.ThrowIf(IsClosed, this);
        return await _pump.ReceiveAsync(maxMessages, maxWaitTime ?? _retry.Options.TryTimeout, keepCredit: false, cancellationToken);
    }

    /// <summary>Receives messages until cancelled.</summary>
    public virtual async IAsyncEnumerable<ServiceBusReceivedMessage> ReceiveMessagesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            if (await ReceiveMessageAsync(null, cancellationToken) is { } message)
            {
                yield return message;
            }
        }
    }

    /// <summary>Looks at the next message without locking it; null at the end of the queue.</summary>
    /// <param name="fromSequenceNumber">Where to look from; after the last peek when not given.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public virtual async Task<ServiceBusReceivedMessage?> PeekMessageAsync(long? fromSequenceNumber = null, CancellationToken cancellationToken = default)
        => await PeekMessagesAsync(1, fromSequenceNumber, cancellationToken) is [var message, ..] ? message : null;

    /// <summary>Looks at messages without locking them.</summary>
    public virtual async Task<IReadOnlyList<ServiceBusReceivedMessage>> PeekMessagesAsync(
        int maxMessages,
        long? fromSequenceNumber = null,
        CancellationToken cancellationToken = default)
    {
        var messages = await _management.PeekAsync(fromSequenceNumber ?? Interlocked.Read(ref _nextPeek), maxMessages, cancellationToken);
        if (messages is [.., var last])
        {
            Interlocked.Exchange(ref _nextPeek, last.SequenceNumber + 1);
        }

        return messages;
    }

    /// <summary>Receives a deferred message.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.MessageNotFound"/>: no such message is deferred.</exception>
    public virtual async Task<ServiceBusReceivedMessage> ReceiveDeferredMessageAsync(long sequenceNumber, CancellationToken cancellationToken = default)
        => await ReceiveDeferredMessagesAsync([sequenceNumber], cancellationToken) is [var message, ..]
            ? message
            : throw new ServiceBusException($"No message {sequenceNumber} is deferred.", ServiceBusFailureReason.MessageNotFound, EntityPath);

    /// <summary>Receives deferred messages.</summary>
    public virtual Task<IReadOnlyList<ServiceBusReceivedMessage>> ReceiveDeferredMessagesAsync(
        IEnumerable<long> sequenceNumbers,
        CancellationToken cancellationToken = default)
        => _management.ReceiveDeferredAsync([.. sequenceNumbers], ReceiveMode == ServiceBusReceiveMode.PeekLock, cancellationToken);

    /// <summary>Closes the receiver's links. Messages that it holds stay locked until their locks end; those never handed out are given back.</summary>
    public virtual async Task CloseAsync(CancellationToken cancellationToken = default)
    {
        if (IsClosed)
        {
            return;
        }

        IsClosed = true;
        await ReturnLeftoversAsync(cancellationToken);
        await _pump.DisposeAsync();
        await _management.DisposeAsync();
    }

    /// <inheritdoc />
    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    internal ManagementClient Management => _management;

    internal Task AcceptSessionAsync(CancellationToken cancellationToken) => _pump.AcceptSessionAsync(cancellationToken);

    /// <summary>For the processor: what was asked for stays asked for between calls.</summary>
    internal Task<List<ServiceBusReceivedMessage>> ReceiveForProcessorAsync(int maxMessages, CancellationToken cancellationToken)
        => _pump.ReceiveAsync(maxMessages, _retry.Options.TryTimeout, keepCredit: true, cancellationToken);
}
