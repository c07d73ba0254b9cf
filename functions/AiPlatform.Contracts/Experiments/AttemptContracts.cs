using AiPlatform.Contracts.Jobs;

namespace AiPlatform.Contracts.Experiments;

/// <summary>One attempt as a segment of its run: which steps it wrote, and which of them the default view shows. Points of the machine (<c>system/…</c>) do not count.</summary>
/// <param name="Attempt">The attempt's number, from 1.</param>
/// <param name="Status">Of the job's attempt; null where no job drives the run.</param>
/// <param name="Reason">Why, for people; null when there is nothing to say.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
/// <param name="ResumedAfterStep">The step of the checkpoint that it went on from, -1 for a start from scratch; null for a first attempt and where none was reported.</param>
/// <param name="FirstStep">The smallest step that it wrote; null when it wrote none.</param>
/// <param name="LastStep">The largest step that it wrote.</param>
/// <param name="VisibleUntilStep">Its points after this step are superseded by a later attempt; null when none is.</param>
/// <param name="Points">Points that it wrote.</param>
/// <param name="Complete">Whether every point that it numbered has been stored.</param>
public sealed record RunAttempt(
    int Attempt, AttemptStatus? Status, string? Reason, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, long? ResumedAfterStep,
    long? FirstStep, long? LastStep, long? VisibleUntilStep, long Points, bool Complete);
