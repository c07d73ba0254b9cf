using System.Collections.Concurrent;
using System.Text.Json;
using AiPlatform.Contracts.Queues;
using AiPlatform.TaskWorker;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>A real worker whose handler notes what it ran.</summary>
internal sealed class TestWorker(TaskQueueWorker worker, RecordingHandler handler) : IAsyncDisposable
{
    /// <summary>The attempts that began, in order.</summary>
    public IReadOnlyList<TaskAssignment> Started => [.. handler.Started];

    public async ValueTask DisposeAsync()
    {
        await worker.StopAsync(CancellationToken.None);
        worker.Dispose();
    }
}

/// <summary>Notes each attempt, then does what another handler does, or nothing.</summary>
internal sealed class RecordingHandler(ITaskHandler? inner) : ITaskHandler
{
    public ConcurrentQueue<TaskAssignment> Started { get; } = new();

    public string Name => inner?.Name ?? TaskHandlers.Noop;

    public Task<JsonElement?> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        Started.Enqueue(task.Assignment);
        return inner?.RunAsync(task, cancellationToken) ?? Task.FromResult<JsonElement?>(null);
    }
}

/// <summary>A handler made of a function.</summary>
internal sealed class FunctionHandler(Func<TaskContext, CancellationToken, Task<JsonElement?>> run) : ITaskHandler
{
    public string Name => TaskHandlers.Noop;

    public Task<JsonElement?> RunAsync(TaskContext task, CancellationToken cancellationToken) => run(task, cancellationToken);
}
