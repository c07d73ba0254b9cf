using AiPlatform.GpuRunner.Lease;

namespace AiPlatform.GpuRunner;

/// <summary>What the runner logs.</summary>
internal static partial class Logs
{
    [LoggerMessage(100, LogLevel.Information, "Devices: {Gpus} GPUs (driver {Driver}), {Cores} CPU cores")]
    public static partial void DevicesDetected(ILogger logger, int gpus, string driver, int cores);

    [LoggerMessage(101, LogLevel.Information, "Registered as {RunnerId}, session {SessionId}, pool {Pool}, {Slots} slots")]
    public static partial void Registered(ILogger logger, string runnerId, string sessionId, string pool, int slots);

    [LoggerMessage(102, LogLevel.Warning, "The platform does not know this runner any more: it registers again")]
    public static partial void Forgotten(ILogger logger);

    [LoggerMessage(103, LogLevel.Warning, "The platform does not answer: {Reason}")]
    public static partial void HeartbeatFailed(ILogger logger, string reason);

    [LoggerMessage(110, LogLevel.Information, "Node {Node}: claimed for run {RunId}")]
    public static partial void Claimed(ILogger logger, NodeKey node, string runId);

    [LoggerMessage(111, LogLevel.Information, "Node {Node}: not ours ({Reason})")]
    public static partial void NotClaimed(ILogger logger, NodeKey node, string reason);

    [LoggerMessage(112, LogLevel.Warning, "Node {Node}: claim failed, trying again: {Reason}")]
    public static partial void ClaimFailed(ILogger logger, NodeKey node, string reason);

    [LoggerMessage(113, LogLevel.Warning, "Node {Node}: staging failed, trying again: {Reason}")]
    public static partial void StagingFailed(ILogger logger, NodeKey node, string reason);

    [LoggerMessage(114, LogLevel.Information, "Node {Node}: {Ranks} ranks started")]
    public static partial void Started(ILogger logger, NodeKey node, int ranks);

    [LoggerMessage(115, LogLevel.Information, "Node {Node}: ended as {Kind}")]
    public static partial void Ended(ILogger logger, NodeKey node, string kind);

    [LoggerMessage(116, LogLevel.Error, "Node {Node}: processes outlived KILL")]
    public static partial void Unkillable(ILogger logger, NodeKey node);

    [LoggerMessage(117, LogLevel.Information, "Node {Node}: {Command}: {Reason}")]
    public static partial void Commanded(ILogger logger, NodeKey node, string command, string? reason);

    [LoggerMessage(118, LogLevel.Error, "Node {Node}: the runner failed")]
    public static partial void NodeCrashed(ILogger logger, Exception exception, NodeKey node);

    [LoggerMessage(120, LogLevel.Warning, "The lock of message {MessageId} could not be renewed: {Reason}")]
    public static partial void LockRenewalFailed(ILogger logger, string messageId, string reason);

    [LoggerMessage(121, LogLevel.Warning, "Message {MessageId} could not be settled: {Reason}")]
    public static partial void SettlementFailed(ILogger logger, string messageId, string reason);

    [LoggerMessage(122, LogLevel.Error, "Message {MessageId} is no node message: {Reason}")]
    public static partial void BadMessage(ILogger logger, string messageId, string reason);

    [LoggerMessage(130, LogLevel.Warning, "Node {Node}: the platform refused a record, which is dropped: {Reason}")]
    public static partial void RecordRefused(ILogger logger, NodeKey node, string reason);

    [LoggerMessage(131, LogLevel.Information, "Node {Node}: sending what an earlier life left")]
    public static partial void LeftoverFound(ILogger logger, NodeKey node);

    [LoggerMessage(132, LogLevel.Information, "Node {Node}: everything left has been sent")]
    public static partial void LeftoverSent(ILogger logger, NodeKey node);

    [LoggerMessage(133, LogLevel.Warning, "Node {Node}: what was left was not taken for {Age}; it is dropped")]
    public static partial void LeftoverDropped(ILogger logger, NodeKey node, TimeSpan age);

    [LoggerMessage(134, LogLevel.Warning, "Ended {Count} processes that an earlier life of the runner left")]
    public static partial void OrphansEnded(ILogger logger, int count);

    [LoggerMessage(135, LogLevel.Warning, "The folder {Path} of an earlier life holds no node and is removed")]
    public static partial void BrokenFolder(ILogger logger, string path);

    [LoggerMessage(140, LogLevel.Information, "The runner drains: it takes no more work")]
    public static partial void Draining(ILogger logger);

    [LoggerMessage(150, LogLevel.Debug, "A rank's connection ended: {Reason}")]
    public static partial void RuntimeConnectionEnded(ILogger logger, string reason);

    [LoggerMessage(151, LogLevel.Warning, "{Count} connections of ranks did not end in time; their files are left to themselves")]
    public static partial void RuntimeConnectionsLeft(ILogger logger, int count);

    /// <summary>Says why a folder of a job is still there, if it is.</summary>
    public static void Remaining(ILogger logger, string? reason)
    {
        if (reason is not null)
        {
            FolderRemains(logger, reason);
        }
    }

    [LoggerMessage(152, LogLevel.Warning, "A job's folder could not be removed: {Reason}")]
    private static partial void FolderRemains(ILogger logger, string reason);

    [LoggerMessage(153, LogLevel.Warning, "The output of attempt {Attempt} of task {Task} could not be sent: {Reason}")]
    public static partial void OutputNotSent(ILogger logger, string task, int attempt, string reason);

    [LoggerMessage(160, LogLevel.Warning, "Job code runs without namespaces of its own: {Reason}")]
    public static partial void NoNamespaces(ILogger logger, string reason);

    [LoggerMessage(165, LogLevel.Warning, "Job code keeps more than it should, such as ports of servers that are starting again: {Reason}")]
    public static partial void Unguarded(ILogger logger, string reason);

    [LoggerMessage(162, LogLevel.Warning, "Job code cannot get its sandbox just now, which is tried again: {Reason}")]
    public static partial void NoNamespacesYet(ILogger logger, string reason);

    [LoggerMessage(163, LogLevel.Warning, "Node {Node}: the machine could not start rank {Rank} just now, which is tried again: {Reason}")]
    public static partial void StartedAgain(ILogger logger, NodeKey node, int rank, string reason);

    [LoggerMessage(164, LogLevel.Warning, "Task {Task}: the machine could not start it just now, which is tried again: {Reason}")]
    public static partial void TaskStartedAgain(ILogger logger, string task, string reason);

    [LoggerMessage(161, LogLevel.Warning, "Job code may fill half of the memory with files of its sandbox (bubblewrap 0.8 can bound them): {Reason}")]
    public static partial void UnboundedSandbox(ILogger logger, string reason);
}
