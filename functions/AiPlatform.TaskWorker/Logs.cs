using Microsoft.Extensions.Logging;

namespace AiPlatform.TaskWorker;

/// <summary>Log messages of task workers.</summary>
internal static partial class Logs
{
    [LoggerMessage(820, LogLevel.Warning, "The platform does not take {Count} reports: {Reason}")]
    public static partial void ReportFailed(ILogger logger, int count, string reason);

    [LoggerMessage(821, LogLevel.Warning, "The heartbeat of the task worker failed: {Reason}")]
    public static partial void HeartbeatFailed(ILogger logger, string reason);

    [LoggerMessage(822, LogLevel.Warning, "Queue {Queue}: {Reason}")]
    public static partial void BrokerFailed(ILogger logger, string queue, string reason);

    [LoggerMessage(823, LogLevel.Error, "The platform refuses the report about task {Task}: {Reason}")]
    public static partial void ReportRefused(ILogger logger, string task, string reason);
}
