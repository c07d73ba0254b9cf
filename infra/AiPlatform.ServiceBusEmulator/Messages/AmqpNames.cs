using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Messages;

/// <summary>Names of the Service Bus dialect of AMQP 1.0, from the public protocol guide.</summary>
internal static class AmqpNames
{
    internal const uint BatchMessageFormat = 0x80013700;

    internal const string CbsAddress = "$cbs";
    internal const string CoordinatorAddress = "$coordinator";
    internal const string ManagementSuffix = "/$management";

    internal const string MessageLockLost = "com.microsoft:message-lock-lost";
    internal const string MessageNotFound = "com.microsoft:message-not-found";
    internal const string SessionLockLost = "com.microsoft:session-lock-lost";
    internal const string SessionCannotBeLocked = "com.microsoft:session-cannot-be-locked";
    internal const string Timeout = "com.microsoft:timeout";
    internal const string EntityDisabled = "com.microsoft:entity-disabled";
    internal const string EntityAlreadyExists = "com.microsoft:entity-already-exists";
    internal const string ArgumentError = "com.microsoft:argument-error";
    internal const string ServerBusy = "com.microsoft:server-busy";
    internal const string DeadLetterCondition = "com.microsoft:dead-letter";

    internal static readonly Symbol SessionFilter = "com.microsoft:session-filter";
    internal static readonly Symbol SessionLockedUntil = "com.microsoft:locked-until-utc";
    internal static readonly Symbol OperationTimeout = "com.microsoft:timeout";

    internal static readonly Symbol EnqueuedTime = "x-opt-enqueued-time";
    internal static readonly Symbol SequenceNumber = "x-opt-sequence-number";
    internal static readonly Symbol EnqueuedSequenceNumber = "x-opt-enqueue-sequence-number";
    internal static readonly Symbol LockedUntil = "x-opt-locked-until";
    internal static readonly Symbol ScheduledEnqueueTime = "x-opt-scheduled-enqueue-time";
    internal static readonly Symbol DeadLetterSource = "x-opt-deadletter-source";
    internal static readonly Symbol State = "x-opt-message-state";

    /// <summary>Annotations that only the broker writes; what a sender says there is not kept.</summary>
    internal static readonly IReadOnlyList<Symbol> OfBroker =
        [EnqueuedTime, SequenceNumber, EnqueuedSequenceNumber, LockedUntil, ScheduledEnqueueTime, DeadLetterSource, State];
}
