using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;

namespace AiPlatform.Compute.Runners;

/// <summary>A node as the platform sees it when its runner reports.</summary>
internal sealed class RunnerNodeRow
{
    public required string JobId { get; init; }

    public int Attempt { get; init; }

    public int Node { get; init; }

    public string? RunnerId { get; init; }

    public string? SessionId { get; init; }

    public DateTimeOffset? ClaimedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public JobStatus JobStatus { get; init; }

    public required string RunId { get; init; }

    public string? CancelReason { get; init; }

    public DateTimeOffset? AttemptEndedAt { get; init; }

    public string? AttemptReason { get; init; }

    public bool IsReported { get; init; }

    public RunningNode Key => new(JobId, Attempt, Node);

    /// <summary>Why the runner has to stop the node; null when it may go on.</summary>
    public string? StopReason(string runnerId, string sessionId)
        => EndedAt is not null ? "The node has ended."
            : RunnerId != runnerId || SessionId != sessionId ? "Another runner has the node."
            : JobStatus == JobStatus.Cancelling ? CancelReason ?? "The job is being cancelled."
            : AttemptEndedAt is not null ? AttemptReason ?? "The attempt has ended."
            : null;
}
