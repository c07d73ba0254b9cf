using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Ports.Tracking;

/// <summary>How it stands with the run of a job.</summary>
/// <param name="Status">The run's status.</param>
/// <param name="Reason">Why; null when there is nothing to say.</param>
/// <param name="StartedAt">When it began, if it has; an earlier time that is known stays.</param>
/// <param name="EndedAt">When it ended, if it has.</param>
public sealed record JobRunState(RunStatus Status, string? Reason, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt);
