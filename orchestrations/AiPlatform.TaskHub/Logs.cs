namespace AiPlatform.TaskHub;

/// <summary>The hub's log messages.</summary>
internal static partial class Logs
{
    [LoggerMessage(1, LogLevel.Information, "Took {Partitions} partitions: {Instances} live instances recovered in {Milliseconds:F0} ms")]
    public static partial void Acquired(ILogger logger, int partitions, int instances, double milliseconds);

    [LoggerMessage(2, LogLevel.Information, "A version without partitions owns the task hub: standing by")]
    public static partial void StandingBy(ILogger logger);

    [LoggerMessage(3, LogLevel.Warning, "Writing a group of {Count} commits failed ({Failures} in a row)")]
    public static partial void WriteFailed(ILogger logger, Exception exception, int count, int failures);

    [LoggerMessage(4, LogLevel.Error, "The engine stopped; its state is rebuilt from the tables")]
    public static partial void EngineFaulted(ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Warning, "PostgreSQL is not reachable ({Failures} in a row)")]
    public static partial void DatabaseAway(ILogger logger, Exception exception, int failures);

    [LoggerMessage(6, LogLevel.Information, "Worker {Worker} connected to hub {Hub}")]
    public static partial void WorkerConnected(ILogger logger, string worker, string hub);

    [LoggerMessage(7, LogLevel.Information, "Worker {Worker} disconnected from hub {Hub}")]
    public static partial void WorkerDisconnected(ILogger logger, string worker, string hub);

    [LoggerMessage(8, LogLevel.Error, "{Method} failed")]
    public static partial void CallFailed(ILogger logger, Exception exception, string method);

    [LoggerMessage(9, LogLevel.Warning, "The state of entity {Entity} could not be read; it is tried again")]
    public static partial void EntityNotRead(ILogger logger, Exception exception, string entity);

    [LoggerMessage(10, LogLevel.Information, "Gave {Partitions} partitions to other processes")]
    public static partial void Released(ILogger logger, int partitions);

    [LoggerMessage(11, LogLevel.Warning, "The hub process at {Address} is not reachable: {Reason}")]
    public static partial void PeerAway(ILogger logger, string address, string reason);

    [LoggerMessage(12, LogLevel.Error, "{Instance}: work is parked until the instance is resumed. {Reason}")]
    public static partial void Parked(ILogger logger, string instance, string reason);

    [LoggerMessage(13, LogLevel.Information, "Removed {Count} large payloads that nothing names any more")]
    public static partial void PayloadsRemoved(ILogger logger, int count);

    [LoggerMessage(14, LogLevel.Error, "The large payloads of a work item could not be read; it is given back")]
    public static partial void PayloadNotRead(ILogger logger, Exception exception);

    [LoggerMessage(15, LogLevel.Warning, "Removing large payloads that nothing names failed; it is tried again")]
    public static partial void PayloadSweepFailed(ILogger logger, Exception exception);
}
