using Microsoft.Extensions.Logging;

namespace AiPlatform.DurableTask.Worker;

/// <summary>The worker's log messages.</summary>
internal static partial class Logs
{
    [LoggerMessage(1, LogLevel.Information, "Durable Task worker {Worker} connected to {Endpoint}, hub {Hub}")]
    public static partial void Connected(ILogger logger, string worker, Uri endpoint, string hub);

    [LoggerMessage(2, LogLevel.Warning, "The task hub is not reachable ({Failures} in a row): {Reason}")]
    public static partial void Disconnected(ILogger logger, int failures, string reason);

    [LoggerMessage(3, LogLevel.Warning, "{Instance}: '{Task}' failed in attempt {Attempt} with {ErrorType}; it is retried")]
    public static partial void Retrying(ILogger logger, string instance, string task, int attempt, string errorType);

    [LoggerMessage(4, LogLevel.Warning, "{Instance}: activity '{Activity}' failed")]
    public static partial void ActivityFailed(ILogger logger, Exception exception, string instance, string activity);

    [LoggerMessage(5, LogLevel.Error, "{Instance}: the orchestrator's turn could not be run; it is given back")]
    public static partial void TurnFailed(ILogger logger, Exception exception, string instance);

    [LoggerMessage(6, LogLevel.Warning, "{Instance}: the hub did not accept a completion: {Reason}")]
    public static partial void CompletionRefused(ILogger logger, string instance, string reason);

    [LoggerMessage(7, LogLevel.Warning, "{Count} work items were still running when the worker stopped")]
    public static partial void StillRunning(ILogger logger, int count);

    [LoggerMessage(8, LogLevel.Error, "{Instance}: the entity's operations could not be run; they are given back")]
    public static partial void BatchFailed(ILogger logger, Exception exception, string instance);

    [LoggerMessage(9, LogLevel.Warning, "{Instance}: not run here: {Reason}")]
    public static partial void VersionRefused(ILogger logger, string instance, string reason);
}
