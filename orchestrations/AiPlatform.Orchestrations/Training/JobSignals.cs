using AiPlatform.Contracts.Jobs;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Training;

/// <summary>
/// The external events of one job. A wait that is given up would swallow the next event of its name, so there is one
/// pending wait per name, kept until it ends.
/// </summary>
internal sealed class JobSignals
{
    private readonly TaskOrchestrationContext _context;
    private readonly int _attempt;

    public JobSignals(TaskOrchestrationContext context, int attempt)
    {
        _context = context;
        _attempt = attempt;
        JobEvent = context.WaitForExternalEvent<JobEvent>(TrainingJobEvents.JobEvent);
        Cancel = context.WaitForExternalEvent<string?>(TrainingJobEvents.Cancel);
        Dependency = context.WaitForExternalEvent<string?>(TrainingJobEvents.Dependency);
        Capacity = context.WaitForExternalEvent<string?>(TrainingJobEvents.Capacity);
    }

    public Task<JobEvent> JobEvent { get; private set; }

    public Task<string?> Cancel { get; }

    public Task<string?> Dependency { get; private set; }

    public Task<string?> Capacity { get; private set; }

    /// <summary>Takes the event that has arrived; null when it belongs to another attempt.</summary>
    public async Task<JobEvent?> TakeJobEventAsync()
    {
        var jobEvent = await JobEvent;
        JobEvent = _context.WaitForExternalEvent<JobEvent>(TrainingJobEvents.JobEvent);
        return jobEvent.Attempt == _attempt ? jobEvent : null;
    }

    /// <summary>Forgets hints that have arrived, so that the next wait waits for new ones.</summary>
    public void Reset()
    {
        if (Dependency.IsCompleted)
        {
            Dependency = _context.WaitForExternalEvent<string?>(TrainingJobEvents.Dependency);
        }

        if (Capacity.IsCompleted)
        {
            Capacity = _context.WaitForExternalEvent<string?>(TrainingJobEvents.Capacity);
        }
    }

    /// <summary>Waits for one of the tasks, but not longer than the time-out; false when the time is over.</summary>
    public async Task<bool> WaitAsync(TimeSpan timeout, params Task[] tasks)
    {
        using var noTimer = new CancellationTokenSource();
        var timer = _context.CreateTimer(timeout, noTimer.Token);
        var first = await Task.WhenAny([.. tasks, timer]);
        if (first == timer)
        {
            return false;
        }

        GiveUp(noTimer);
        return true;
    }

    // CancelAsync runs on the thread pool: awaiting it would take the orchestrator off its own thread, which cannot be replayed.
    private static void GiveUp(CancellationTokenSource timer) => timer.Cancel();
}
