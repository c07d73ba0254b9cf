using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Queues;

/// <summary>What the states of a task mean, and which may follow which.</summary>
internal static class TaskStates
{
    /// <summary>The states in which nothing happens to a task any more, unless somebody replays it.</summary>
    public static bool IsFinal(QueueTaskStatus status)
        => status is QueueTaskStatus.Succeeded or QueueTaskStatus.DeadLettered or QueueTaskStatus.Cancelled or QueueTaskStatus.Skipped;

    /// <summary>Whether the table has a step between two states.</summary>
    public static bool IsAllowed(QueueTaskStatus from, QueueTaskStatus to) => from switch
    {
        QueueTaskStatus.Blocked => to is QueueTaskStatus.Ready or QueueTaskStatus.Scheduled or QueueTaskStatus.Skipped or QueueTaskStatus.Cancelled or QueueTaskStatus.DeadLettered,
        QueueTaskStatus.Scheduled => to is QueueTaskStatus.Ready or QueueTaskStatus.Cancelled or QueueTaskStatus.DeadLettered,
        QueueTaskStatus.Limited => to is QueueTaskStatus.Ready or QueueTaskStatus.Cancelled or QueueTaskStatus.DeadLettered,
        QueueTaskStatus.Ready => to is QueueTaskStatus.Queued or QueueTaskStatus.Limited or QueueTaskStatus.Cancelled or QueueTaskStatus.DeadLettered,
        // Not claimed in time, or not sent: back in line.
        QueueTaskStatus.Queued => to is QueueTaskStatus.Running or QueueTaskStatus.Ready or QueueTaskStatus.Cancelled or QueueTaskStatus.DeadLettered,
        QueueTaskStatus.Running => to is QueueTaskStatus.Succeeded or QueueTaskStatus.Scheduled or QueueTaskStatus.Ready or QueueTaskStatus.DeadLettered or QueueTaskStatus.Cancelled,
        // A replay.
        QueueTaskStatus.DeadLettered => to is QueueTaskStatus.Ready or QueueTaskStatus.Cancelled,
        // It was replayed what the task depends on.
        QueueTaskStatus.Skipped => to is QueueTaskStatus.Blocked,
        QueueTaskStatus.Succeeded or QueueTaskStatus.Cancelled => false,
        _ => throw new ArgumentOutOfRangeException(nameof(from), from, "Unknown status."),
    };

    /// <summary>Passes when the step is in the table.</summary>
    /// <exception cref="ApiException">409 <c>illegal_transition</c> naming both states.</exception>
    public static void Require(QueueTaskStatus from, QueueTaskStatus to)
    {
        if (!IsAllowed(from, to))
        {
            throw ApiException.IllegalTransition("task", from.ToText(), to.ToText());
        }
    }
}
