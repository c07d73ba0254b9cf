using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>One node of one attempt of one job; the idempotency key of everything that the runner does.</summary>
internal readonly record struct NodeKey(string JobId, int Attempt, int Node)
{
    /// <summary>The node that a message offers.</summary>
    /// <exception cref="FormatException">The id is none of ours: it becomes a directory's name.</exception>
    public static NodeKey Of(NodeMessage message)
        => message.JobId.Length is > 0 and <= 64 && message.JobId.All(char.IsAsciiLetterOrDigit) && message.Attempt > 0 && message.Node >= 0
            ? new NodeKey(message.JobId, message.Attempt, message.Node)
            : throw new FormatException("The message names no job, attempt and node.");

    /// <summary>As heartbeats name it.</summary>
    public RunningNode ToRunningNode() => new(JobId, Attempt, Node);

    /// <summary><c>{job}-{attempt}-{node}</c>.</summary>
    public override string ToString() => $"{JobId}-{Attempt}-{Node}";
}
