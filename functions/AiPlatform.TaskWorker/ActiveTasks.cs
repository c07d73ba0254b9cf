using System.Collections.Concurrent;
using AiPlatform.Contracts.Queues;

namespace AiPlatform.TaskWorker;

/// <summary>The attempts that this worker runs, for heartbeats and for stopping single ones.</summary>
internal sealed class ActiveTasks
{
    private const int MaxRemembered = 16_384;

    private readonly ConcurrentDictionary<string, ActiveTask> _tasks = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly HashSet<(string TaskId, int Fence)> _ran = [];
    private readonly Queue<(string TaskId, int Fence)> _ranInOrder = new();

    /// <summary>Whether the worker runs nothing.</summary>
    public bool IsEmpty => _tasks.IsEmpty;

    /// <summary>For a heartbeat.</summary>
    public IReadOnlyList<RunningTask> Running
        => [.. _tasks.Values.Select(static task => new RunningTask(task.Context.Assignment.TaskId, task.Context.Assignment.Fence, Share(task.Context.Progress)))];

    /// <summary>
    /// Notes an attempt; null when the worker runs the task already, or ran this release of it: a message may come twice, and its second
    /// claim may be granted just before the report of the first run is taken in.
    /// </summary>
    public ActiveTask? TryAdd(TaskAssignment assignment, CancellationToken stopping)
    {
        var task = new ActiveTask(new TaskContext(assignment), CancellationTokenSource.CreateLinkedTokenSource(stopping));
        lock (_lock)
        {
            if (!_ran.Contains((assignment.TaskId, assignment.Fence)) && _tasks.TryAdd(assignment.TaskId, task))
            {
                return task;
            }
        }

        task.Dispose();
        return null;
    }

    /// <summary>Ends the hold on an attempt, and remembers that it ran.</summary>
    public void Remove(ActiveTask task)
    {
        var ran = (task.Context.Assignment.TaskId, task.Context.Assignment.Fence);
        lock (_lock)
        {
            _tasks.TryRemove(ran.TaskId, out _);
            if (_ran.Add(ran))
            {
                _ranInOrder.Enqueue(ran);
            }

            if (_ranInOrder.Count > MaxRemembered)
            {
                _ran.Remove(_ranInOrder.Dequeue());
            }
        }

        task.Dispose();
    }

    // One handler's NaN must not cost the others their heartbeat.
    private static double? Share(double? progress) => progress is { } value && double.IsFinite(value) ? Math.Clamp(value, 0, 1) : null;

    /// <summary>Stops an attempt because the platform said so.</summary>
    public void Stop(string taskId)
    {
        if (_tasks.TryGetValue(taskId, out var task))
        {
            task.Stop();
        }
    }
}

/// <summary>One attempt under way.</summary>
internal sealed class ActiveTask(TaskContext context, CancellationTokenSource cancellation) : IDisposable
{
    private readonly Lock _lock = new();
    private bool _disposed;

    public TaskContext Context { get; } = context;

    public CancellationToken Token { get; } = cancellation.Token;

    /// <summary>Whether the platform asked for the stop.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Ends the attempt when its time is over.</summary>
    public void StopAfter(TimeSpan timeout) => cancellation.CancelAfter(timeout);

    public void Stop()
    {
        lock (_lock)
        {
            IsStopped = true;
            if (!_disposed)
            {
                cancellation.Cancel();
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            cancellation.Dispose();
        }
    }
}
