using System.Text.Json;
using AiPlatform.Contracts.Queues;
using AiPlatform.TaskWorker;

namespace AiPlatform.Orchestrations.Tasks;

/// <summary>Succeeds at once.</summary>
internal sealed class NoopHandler : ITaskHandler
{
    public string Name => TaskHandlers.Noop;

    public Task<JsonElement?> RunAsync(TaskContext task, CancellationToken cancellationToken) => Task.FromResult<JsonElement?>(null);
}
