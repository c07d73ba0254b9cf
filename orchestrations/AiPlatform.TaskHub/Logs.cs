namespace AiPlatform.TaskHub;

/// <summary>The hub's log messages.</summary>
internal static partial class Logs
{
    [LoggerMessage(1, LogLevel.Information, "Owner of the task hub: {Instances} live instances recovered in {Milliseconds:F0} ms (epoch {Epoch})")]
    public static partial void Recovered(ILogger logger, int instances, double milliseconds, long epoch);

    [LoggerMessage(2, LogLevel.Information, "Another process owns the task hub: standing by")]
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
}
