using AiPlatform.Contracts.Jobs;

namespace AiPlatform.Contracts.Queues;

/// <summary>Where a task's handler runs.</summary>
public enum TaskLane
{
    /// <summary>In the platform's own workers: short calls that need no accelerator and run no user code.</summary>
    Light,

    /// <summary>On the runners of the pool: user code.</summary>
    Runner,
}

/// <summary>The handlers that ship with the platform.</summary>
public static class TaskHandlers
{
    /// <summary>Does nothing and succeeds; for measurements and as a joint in a graph of dependencies.</summary>
    public const string Noop = "noop";

    /// <summary>Calls a URL; the payload is a <see cref="HttpTaskPayload"/>.</summary>
    public const string Http = "http";

    /// <summary>Runs a Python function of an uploaded package on a runner; the payload is a <see cref="PythonTaskPayload"/>.</summary>
    public const string Python = "python";

    /// <summary>Every handler, in the order of this class.</summary>
    public static IReadOnlyList<string> All { get; } = [Noop, Http, Python];

    /// <summary>Where a handler runs.</summary>
    public static TaskLane LaneOf(string handler) => handler == Python ? TaskLane.Runner : TaskLane.Light;
}

/// <summary>Names of the Service Bus queues that carry released tasks.</summary>
public static class TaskQueues
{
    /// <summary>The queue of a pool, a lane and a priority: Service Bus has no message priority.</summary>
    public static string For(string pool, TaskLane lane, JobPriority priority) => (lane, priority) switch
    {
        (TaskLane.Light, JobPriority.Critical) => $"tasks-{pool}-critical",
        (TaskLane.Light, JobPriority.High) => $"tasks-{pool}-high",
        (TaskLane.Light, JobPriority.Normal) => $"tasks-{pool}-normal",
        (TaskLane.Light, JobPriority.Low) => $"tasks-{pool}-low",
        (TaskLane.Runner, JobPriority.Critical) => $"runner-tasks-{pool}-critical",
        (TaskLane.Runner, JobPriority.High) => $"runner-tasks-{pool}-high",
        (TaskLane.Runner, JobPriority.Normal) => $"runner-tasks-{pool}-normal",
        (TaskLane.Runner, JobPriority.Low) => $"runner-tasks-{pool}-low",
        _ => throw new ArgumentOutOfRangeException(nameof(priority), priority, "Unknown lane or priority."),
    };

    /// <summary>Every queue of a pool.</summary>
    public static IEnumerable<string> Of(string pool)
        => Enum.GetValues<TaskLane>().SelectMany(lane => Enum.GetValues<JobPriority>().Select(priority => For(pool, lane, priority)));
}

/// <summary>The Service Bus message that carries one released task. What is to be done is in the answer to the claim.</summary>
/// <param name="TaskId">The task's id.</param>
/// <param name="Fence">The number of the release; a claim with an older one is refused.</param>
public sealed record TaskMessage(string TaskId, int Fence);
