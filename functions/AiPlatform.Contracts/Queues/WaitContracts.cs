namespace AiPlatform.Contracts.Queues;

/// <summary>Why a task does not run now.</summary>
public enum WaitReason
{
    /// <summary>It runs.</summary>
    Running,

    /// <summary>It has ended.</summary>
    Ended,

    /// <summary>Tasks that it depends on have not ended.</summary>
    Dependency,

    /// <summary>Its time has not come.</summary>
    Delay,

    /// <summary>An attempt failed; the next one follows after the back-off.</summary>
    BackOff,

    /// <summary>As many tasks with its concurrency key run as may.</summary>
    Concurrency,

    /// <summary>Its queue is paused.</summary>
    Paused,

    /// <summary>Its queue runs as many tasks as it may.</summary>
    Quota,

    /// <summary>No worker of its pool is online.</summary>
    NoCapacity,

    /// <summary>All workers of its pool are busy; it waits for its turn.</summary>
    Turn,

    /// <summary>It was released and is on its way to a worker.</summary>
    OnItsWay,
}

/// <summary>Why a task waits: in words of the caller's language, and in data.</summary>
/// <param name="TaskId">The task's id.</param>
/// <param name="Reason">What it waits for.</param>
/// <param name="Text">Why it waits, in the caller's language.</param>
/// <param name="Position">Its place among the tasks of the same user, queue and priority, from 1; null when it is not in line.</param>
/// <param name="PositionAtLeast">True when counting ended at <paramref name="Position"/>.</param>
/// <param name="Overdue">It has waited so long that it is served whatever its priority.</param>
/// <param name="DueAt">When it may run, or since when it could.</param>
/// <param name="Capacity">The capacity that it waits for; null for none.</param>
/// <param name="Limit">The limit that it waits for; null for none.</param>
/// <param name="Dependencies">The tasks that it waits for, the first of them.</param>
public sealed record TaskWait(
    string TaskId, WaitReason Reason, string Text, int? Position = null, bool PositionAtLeast = false, bool Overdue = false,
    DateTimeOffset? DueAt = null, TaskWaitCapacity? Capacity = null, TaskWaitLimit? Limit = null, IReadOnlyList<TaskWaitDependency>? Dependencies = null);

/// <summary>The workers of a task's pool.</summary>
/// <param name="Workers">Online.</param>
/// <param name="Slots">Tasks that they can run at once.</param>
/// <param name="Active">Tasks that are released or run.</param>
public sealed record TaskWaitCapacity(int Workers, int Slots, int Active);

/// <summary>A limit that is reached.</summary>
/// <param name="Key">The concurrency key; null for the queue's own limit.</param>
/// <param name="Limit">The most there may be at once.</param>
/// <param name="Active">How many there are.</param>
public sealed record TaskWaitLimit(string? Key, int Limit, int Active);

/// <summary>A task that another one waits for; at most 20 are named, those that have not ended first.</summary>
/// <param name="TaskId">The task's id.</param>
/// <param name="Status">Where it is in its life.</param>
public sealed record TaskWaitDependency(string TaskId, QueueTaskStatus Status);
