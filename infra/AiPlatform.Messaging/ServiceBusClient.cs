using AiPlatform.Messaging.Authorization;
using AiPlatform.Messaging.Transport;
using Azure.Core;

namespace AiPlatform.Messaging;

/// <summary>
/// The entry to one Service Bus namespace, with the API shape of <c>Azure.Messaging.ServiceBus</c>. Its senders, receivers and
/// processors share one AMQP connection, which is made on first use and again whenever it is lost. Keep one for the life of the process.
/// </summary>
public class ServiceBusClient : IAsyncDisposable
{
    private readonly AmqpConnectionScope _scope;
    private readonly ServiceBusClientOptions _options;
    private readonly RetryRunner _retry;
    private readonly TransactionCoordinator _transactions;
    private int _disposed;

    /// <summary>Connects with a connection string.</summary>
    /// <exception cref="FormatException">The string is malformed.</exception>
    public ServiceBusClient(string connectionString)
        : this(connectionString, new ServiceBusClientOptions())
    {
    }

    /// <summary>Connects with a connection string.</summary>
    /// <exception cref="FormatException">The string is malformed.</exception>
    public ServiceBusClient(string connectionString, ServiceBusClientOptions? options)
    {
        _options = Prepare(options);
        var properties = ServiceBusConnectionStringProperties.Parse(connectionString);
        ICbsTokenSource tokens = properties.SharedAccessSignature is { Length: > 0 } signature
            ? new FixedSignatureTokenSource(signature)
            : new SharedKeyTokenSource(properties.SharedAccessKeyName!, properties.SharedAccessKey!, _options.TokenLifetime, _options.Time);
        FullyQualifiedNamespace = properties.FullyQualifiedNamespace;
        _retry = new RetryRunner(_options.RetryOptions, _options.Time);
        _scope = new AmqpConnectionScope(properties.Endpoint, properties.UseDevelopmentEmulator, tokens, _options);
        _transactions = new TransactionCoordinator(_scope, _retry);
    }

    /// <summary>Connects with an Entra ID credential.</summary>
    public ServiceBusClient(string fullyQualifiedNamespace, TokenCredential credential, ServiceBusClientOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(fullyQualifiedNamespace);
        _options = Prepare(options);
        FullyQualifiedNamespace = fullyQualifiedNamespace;
        _retry = new RetryRunner(_options.RetryOptions, _options.Time);
        _scope = new AmqpConnectionScope(new Uri($"sb://{fullyQualifiedNamespace}/"), plainTcp: false, new CredentialTokenSource(credential), _options);
        _transactions = new TransactionCoordinator(_scope, _retry);
    }

    /// <summary>The host name of the namespace.</summary>
    public virtual string FullyQualifiedNamespace { get; }

    /// <summary>The client's name.</summary>
    public virtual string Identifier => _options.Identifier;

    /// <summary>Whether the client was closed.</summary>
    public virtual bool IsClosed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Creates a sender; it connects on first use.</summary>
    public virtual ServiceBusSender CreateSender(string queueOrTopicName)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentException.ThrowIfNullOrWhiteSpace(queueOrTopicName);
        return new ServiceBusSender(_scope, queueOrTopicName, FullyQualifiedNamespace, $"{queueOrTopicName}-{Guid.NewGuid():N}", _retry, _transactions);
    }

    /// <summary>Creates a receiver of a queue; it connects on first use.</summary>
    public virtual ServiceBusReceiver CreateReceiver(string queueName) => CreateReceiver(queueName, new ServiceBusReceiverOptions());

    /// <summary>Creates a receiver of a queue; it connects on first use.</summary>
    public virtual ServiceBusReceiver CreateReceiver(string queueName, ServiceBusReceiverOptions? options)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentException.ThrowIfNullOrWhiteSpace(queueName);
        return new ServiceBusReceiver(_scope, queueName, FullyQualifiedNamespace, options ?? new ServiceBusReceiverOptions(), _retry, _transactions);
    }

    /// <summary>Creates a receiver of a subscription; it connects on first use.</summary>
    public virtual ServiceBusReceiver CreateReceiver(string topicName, string subscriptionName, ServiceBusReceiverOptions? options = null)
        => CreateReceiver(SubscriptionPath(topicName, subscriptionName), options);

    /// <summary>Locks a session of a queue by its id.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.SessionCannotBeLocked"/>: another receiver holds it.</exception>
    public virtual Task<ServiceBusSessionReceiver> AcceptSessionAsync(
        string queueName, string sessionId, ServiceBusSessionReceiverOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sessionId);
        return AcceptAsync(queueName, sessionId, options, cancellationToken);
    }

    /// <summary>Locks a session of a subscription by its id.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.SessionCannotBeLocked"/>: another receiver holds it.</exception>
    public virtual Task<ServiceBusSessionReceiver> AcceptSessionAsync(
        string topicName, string subscriptionName, string sessionId, ServiceBusSessionReceiverOptions? options = null, CancellationToken cancellationToken = default)
        => AcceptSessionAsync(SubscriptionPath(topicName, subscriptionName), sessionId, options, cancellationToken);

    /// <summary>Locks the session of a queue whose messages wait longest.</summary>
    /// <exception cref="ServiceBusException">
    /// Reason <see cref="ServiceBusFailureReason.ServiceTimeout"/>: no free session had messages within <see cref="ServiceBusRetryOptions.TryTimeout"/>.
    /// </exception>
    public virtual Task<ServiceBusSessionReceiver> AcceptNextSessionAsync(
        string queueName, ServiceBusSessionReceiverOptions? options = null, CancellationToken cancellationToken = default)
        => AcceptAsync(queueName, null, options, cancellationToken);

    /// <summary>Locks the session of a subscription whose messages wait longest.</summary>
    /// <exception cref="ServiceBusException">
    /// Reason <see cref="ServiceBusFailureReason.ServiceTimeout"/>: no free session had messages within <see cref="ServiceBusRetryOptions.TryTimeout"/>.
    /// </exception>
    public virtual Task<ServiceBusSessionReceiver> AcceptNextSessionAsync(
        string topicName, string subscriptionName, ServiceBusSessionReceiverOptions? options = null, CancellationToken cancellationToken = default)
        => AcceptNextSessionAsync(SubscriptionPath(topicName, subscriptionName), options, cancellationToken);

    /// <summary>Creates a processor of a queue's sessions; it starts when told.</summary>
    public virtual ServiceBusSessionProcessor CreateSessionProcessor(string queueName, ServiceBusSessionProcessorOptions? options = null)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        return new ServiceBusSessionProcessor(this, queueName, options ?? new ServiceBusSessionProcessorOptions(), _options.Time);
    }

    /// <summary>Creates a processor of a subscription's sessions; it starts when told.</summary>
    public virtual ServiceBusSessionProcessor CreateSessionProcessor(string topicName, string subscriptionName, ServiceBusSessionProcessorOptions? options = null)
        => CreateSessionProcessor(SubscriptionPath(topicName, subscriptionName), options);

    /// <summary>Creates a processor of a queue; it starts when told.</summary>
    public virtual ServiceBusProcessor CreateProcessor(string queueName) => CreateProcessor(queueName, new ServiceBusProcessorOptions());

    /// <summary>Creates a processor of a queue; it starts when told.</summary>
    public virtual ServiceBusProcessor CreateProcessor(string queueName, ServiceBusProcessorOptions? options)
    {
        options ??= new ServiceBusProcessorOptions();
        var receiver = CreateReceiver(
            queueName,
            new ServiceBusReceiverOptions
            {
                Identifier = options.Identifier,
                PrefetchCount = options.PrefetchCount,
                ReceiveMode = options.ReceiveMode,
                SubQueue = options.SubQueue,
            });
        return new ServiceBusProcessor(receiver, options, _options.Time);
    }

    /// <summary>Creates a processor of a subscription; it starts when told.</summary>
    public virtual ServiceBusProcessor CreateProcessor(string topicName, string subscriptionName, ServiceBusProcessorOptions? options = null)
        => CreateProcessor(SubscriptionPath(topicName, subscriptionName), options);

    /// <summary>Closes the connection and with it every sender, receiver and processor.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _transactions.DisposeAsync();
            await _scope.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    private async Task<ServiceBusSessionReceiver> AcceptAsync(
        string entityPath, string? sessionId, ServiceBusSessionReceiverOptions? options, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentException.ThrowIfNullOrWhiteSpace(entityPath);
        var receiver = new ServiceBusSessionReceiver(
            _scope,
            entityPath,
            FullyQualifiedNamespace,
            (options ?? new ServiceBusSessionReceiverOptions()).ToReceiverOptions(),
            _retry,
            _transactions,
            new ReceiverSession(sessionId));
        try
        {
            await receiver.AcceptSessionAsync(cancellationToken);
            return receiver;
        }
        catch
        {
            await receiver.DisposeAsync();
            throw;
        }
    }

    private static string SubscriptionPath(string topicName, string subscriptionName) => $"{topicName}/Subscriptions/{subscriptionName}";

    private static ServiceBusClientOptions Prepare(ServiceBusClientOptions? options)
    {
        options ??= new ServiceBusClientOptions();
        if (options.Identifier.Length == 0)
        {
            options.Identifier = $"client-{Guid.NewGuid():N}";
        }

        return options;
    }
}
