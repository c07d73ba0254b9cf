namespace AiPlatform.Messaging;

/// <summary>What a processor was doing when it failed.</summary>
public enum ServiceBusErrorSource
{
    /// <summary>Completing a message after its handler returned.</summary>
    Complete = 0,

    /// <summary>Abandoning a message after its handler threw.</summary>
    Abandon = 1,

    /// <summary>Running the handler.</summary>
    ProcessMessageCallback = 2,

    /// <summary>Receiving.</summary>
    Receive = 3,

    /// <summary>Renewing a lock.</summary>
    RenewLock = 4,

    /// <summary>Taking a session.</summary>
    AcceptSession = 5,

    /// <summary>Closing a session.</summary>
    CloseSession = 6,
}

/// <summary>An error for a handler of <see cref="ServiceBusProcessor.ProcessErrorAsync"/>; the processor goes on by itself.</summary>
public sealed class ProcessErrorEventArgs(
    Exception exception,
    ServiceBusErrorSource errorSource,
    string fullyQualifiedNamespace,
    string entityPath,
    string identifier,
    CancellationToken cancellationToken) : EventArgs
{
    /// <summary>What failed.</summary>
    public Exception Exception { get; } = exception;

    /// <summary>What the processor was doing.</summary>
    public ServiceBusErrorSource ErrorSource { get; } = errorSource;

    /// <summary>The host name of the namespace.</summary>
    public string FullyQualifiedNamespace { get; } = fullyQualifiedNamespace;

    /// <summary>The queue that is read.</summary>
    public string EntityPath { get; } = entityPath;

    /// <summary>The processor's name.</summary>
    public string Identifier { get; } = identifier;

    /// <summary>Signalled when the processor stops.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;
}
