namespace AiPlatform.Messaging;

/// <summary>Why a Service Bus operation failed.</summary>
public enum ServiceBusFailureReason
{
    /// <summary>The cause has no reason of its own; see the message.</summary>
    GeneralError = 0,

    /// <summary>The queue, topic or subscription does not exist.</summary>
    MessagingEntityNotFound = 1,

    /// <summary>The lock on the message ended before it was settled or renewed; the message goes to another receiver.</summary>
    MessageLockLost = 2,

    /// <summary>No message has the given sequence number.</summary>
    MessageNotFound = 3,

    /// <summary>The message or batch is larger than the link allows.</summary>
    MessageSizeExceeded = 4,

    /// <summary>The entity is disabled.</summary>
    MessagingEntityDisabled = 5,

    /// <summary>The entity is full, or a limit of the namespace is reached.</summary>
    QuotaExceeded = 6,

    /// <summary>The service asks to try again later.</summary>
    ServiceBusy = 7,

    /// <summary>The operation did not end within <see cref="ServiceBusRetryOptions.TryTimeout"/>.</summary>
    ServiceTimeout = 8,

    /// <summary>The connection is down or could not be made.</summary>
    ServiceCommunicationProblem = 9,

    /// <summary>The session is held by another receiver.</summary>
    SessionCannotBeLocked = 10,

    /// <summary>The lock on the session ended.</summary>
    SessionLockLost = 11,

    /// <summary>An entity of that name exists.</summary>
    MessagingEntityAlreadyExists = 13,
}

/// <summary>A Service Bus operation failed; <see cref="Reason"/> says why and <see cref="IsTransient"/> whether a repeat may succeed.</summary>
public class ServiceBusException : Exception
{
    /// <summary>Creates an exception without a reason.</summary>
    public ServiceBusException()
    {
    }

    /// <summary>Creates an exception without a reason.</summary>
    public ServiceBusException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception without a reason.</summary>
    public ServiceBusException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception with a reason; transient when the reason is one that passes by itself.</summary>
    public ServiceBusException(string message, ServiceBusFailureReason reason, string? entityPath = null, Exception? innerException = null)
        : this(
            reason is ServiceBusFailureReason.ServiceTimeout or ServiceBusFailureReason.ServiceBusy or ServiceBusFailureReason.ServiceCommunicationProblem,
            message,
            entityPath,
            reason,
            innerException)
    {
    }

    /// <summary>Creates an exception with all its properties.</summary>
    public ServiceBusException(
        bool isTransient,
        string message,
        string? entityPath = null,
        ServiceBusFailureReason reason = ServiceBusFailureReason.GeneralError,
        Exception? innerException = null)
        : base(message, innerException)
    {
        IsTransient = isTransient;
        Reason = reason;
        EntityPath = entityPath;
    }

    /// <summary>Whether the same operation may succeed when repeated.</summary>
    public bool IsTransient { get; }

    /// <summary>Why the operation failed.</summary>
    public ServiceBusFailureReason Reason { get; }

    /// <summary>The entity that was addressed, when known.</summary>
    public string? EntityPath { get; }

    /// <inheritdoc />
    public override string Message => EntityPath is null ? $"{base.Message} ({Reason})" : $"{base.Message} ({Reason}, {EntityPath})";
}
