using System.Collections.Concurrent;
using AiPlatform.Contracts.Queues;

namespace AiPlatform.TaskWorker;

/// <summary>The attempts that this worker runs, for heartbeats and for stopping single ones.</summary>
internal sealed class ActiveTasks
{
    private readonly ConcurrentDictionary<string, ActiveTask> _tasks = new(StringComparer.Ordinal);

    /// <summary>For a heartbeat.</summary>
    public IReadOnlyList<RunningTask> Running
        => [.. _tasks.Values.Select(static task => new RunningTask(task.Context.Assignment.TaskId, task.Context.Assignment.Fence, task.Context.Progress))];

    /// <summary>Notes an attempt; null when the worker runs the task already.</summary>
    public ActiveTask? TryAdd(TaskAssignment assignment, CancellationToken stopping)
    {
        var task = new ActiveTask(new TaskContext(assignment), CancellationTokenSource.CreateLinkedTokenSource(stopping));
        if (_tasks.TryAdd(assignment.TaskId, task))
        {
            return task;
        }

        task.Dispose();
        return null;
    }

    /// <summary>Forgets an attempt.</summary>
    public void Remove(ActiveTask task)
    {
        _tasks.TryRemove(task.Context.Assignment.TaskId, out _);
        task.Dispose();
    }

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
