using AiPlatform.Contracts.Queues;

namespace AiPlatform.TaskWorker;

/// <summary>What a worker serves.</summary>
public sealed class TaskWorkerOptions
{
    /// <summary>The pool whose tasks it takes.</summary>
    public string Pool { get; set; } = "default";

    /// <summary>The lane whose tasks it takes.</summary>
    public TaskLane Lane { get; set; } = TaskLane.Light;

    /// <summary>Tasks that it runs at once.</summary>
    public int Slots { get; set; } = 128;

    /// <summary>The worker's name; a new one for each process, so that a restarted worker is not taken for the old one.</summary>
    public string WorkerId { get; set; } = $"worker-{Guid.CreateVersion7():N}";

    /// <summary>How long a worker that stops waits for an API that is away, to report what it has done; one that goes on waits without end.</summary>
    public TimeSpan ReportPatience { get; set; } = TimeSpan.FromMinutes(2);
}
