namespace AiPlatform.Messaging.Transport;

/// <summary>Names of the Service Bus dialect of AMQP 1.0, from the public protocol guide.</summary>
internal static class ServiceBusAmqp
{
    internal const uint BatchMessageFormat = 0x80013700;

    internal const string CbsAddress = "$cbs";
    internal const string ManagementSuffix = "/$management";
    internal const string DeadLetterSuffix = "/$DeadLetterQueue";

    internal const string EnqueuedTime = "x-opt-enqueued-time";
    internal const string SequenceNumber = "x-opt-sequence-number";
    internal const string EnqueuedSequenceNumber = "x-opt-enqueue-sequence-number";
    internal const string LockedUntil = "x-opt-locked-until";
    internal const string ScheduledEnqueueTime = "x-opt-scheduled-enqueue-time";
    internal const string PartitionKey = "x-opt-partition-key";
    internal const string DeadLetterSource = "x-opt-deadletter-source";
    internal const string MessageState = "x-opt-message-state";

    internal const string RenewLock = "com.microsoft:renew-lock";
    internal const string ScheduleMessage = "com.microsoft:schedule-message";
    internal const string CancelScheduledMessage = "com.microsoft:cancel-scheduled-message";
    internal const string PeekMessage = "com.microsoft:peek-message";
    internal const string ReceiveBySequenceNumber = "com.microsoft:receive-by-sequence-number";
    internal const string UpdateDisposition = "com.microsoft:update-disposition";

    internal const string RenewSessionLock = "com.microsoft:renew-session-lock";
    internal const string GetSessionState = "com.microsoft:get-session-state";
    internal const string SetSessionState = "com.microsoft:set-session-state";

    internal const string Timeout = "com.microsoft:timeout";
    internal const string ServerBusy = "com.microsoft:server-busy";
    internal const string MessageLockLost = "com.microsoft:message-lock-lost";
    internal const string MessageNotFound = "com.microsoft:message-not-found";
    internal const string SessionLockLost = "com.microsoft:session-lock-lost";
    internal const string SessionCannotBeLocked = "com.microsoft:session-cannot-be-locked";
    internal const string EntityDisabled = "com.microsoft:entity-disabled";
    internal const string EntityAlreadyExists = "com.microsoft:entity-already-exists";
}
