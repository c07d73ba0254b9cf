using AiPlatform.Contracts.Jobs;

namespace AiPlatform.Compute.Jobs;

/// <summary>Log messages of jobs.</summary>
internal static partial class Logs
{
    [LoggerMessage(500, LogLevel.Information, "Event {Kind} of job {Job} attempt {Attempt} node {Node} changes nothing")]
    public static partial void EventIgnored(ILogger logger, JobEventKind kind, string job, int attempt, int node);
}
