using System.Collections.Concurrent;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;

namespace AiPlatform.Kernel.Orchestrated;

/// <summary>
/// Compares resources that have not ended with their orchestrations. An orchestration that was terminated or purged, or that went with
/// its hub's data, tells nobody: what it carried would stay as it is for ever. The same holds for one that does not stop when asked to; one that
/// is suspended hears of it only when it goes on.
/// </summary>
public sealed partial class OrchestrationSweep(
    IEnumerable<IOrchestratedKind> kinds, DurableTaskClient client, IOptions<OrchestrationSweepOptions> options, TimeProvider time, ILogger<OrchestrationSweep> logger)
    : ITickTask
{
    private const int Parallel = 8;

    // Where the last tick stopped, by orchestration: each tick goes on from there, so that no number of waiting jobs hides the rest.
    private readonly ConcurrentDictionary<string, string> _positions = new(StringComparer.Ordinal);

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var kind in kinds)
        {
            var page = await kind.ListLiveAsync(
                _positions.GetValueOrDefault(kind.Orchestration), time.GetUtcNow() - options.Value.MinAge, options.Value.Batch, cancellationToken);
            await System.Threading.Tasks.Parallel.ForEachAsync(
                page,
                new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken },
                async (resource, token) => await LookAsync(kind, resource, token));
            if (page.Count == options.Value.Batch)
            {
                _positions[kind.Orchestration] = page[^1].Id;
            }
            else
            {
                _positions.TryRemove(kind.Orchestration, out _);
            }
        }
    }

    private async Task LookAsync(IOrchestratedKind kind, LiveResource resource, CancellationToken cancellationToken)
    {
        var instance = await client.GetInstanceAsync(resource.Id, getInputsAndOutputs: true, cancellationToken);
        if (instance is { IsCompleted: false })
        {
            if (resource.CancellingSince is not { } since)
            {
                return;
            }

            if (time.GetUtcNow() - since < options.Value.CancelPatience)
            {
                if (instance.RuntimeStatus == OrchestrationRuntimeStatus.Suspended)
                {
                    // It has been told, and hears it only when it goes on.
                    LogResumed(logger, kind.Orchestration, resource.Id);
                    await client.ResumeInstanceAsync(resource.Id, "It is being cancelled.", cancellationToken);
                }

                return;
            }

            await client.TerminateInstanceAsync(resource.Id, "It did not stop when it was cancelled.", cancellationToken);
        }

        var reason = Reason(instance);
        LogEnded(logger, kind.Orchestration, resource.Id, reason);
        await kind.EndAsync(resource.Id, reason, cancellationToken);
    }

    private static string Reason(OrchestrationMetadata? instance) => instance switch
    {
        null => "Its orchestration is gone: it was purged, or the task hub has lost its data.",
        { IsCompleted: false } => "Its orchestration did not stop in time and was terminated.",
        { RuntimeStatus: OrchestrationRuntimeStatus.Terminated, SerializedOutput: { Length: > 0 } output } => $"Its orchestration was terminated: {output.Trim('"')}",
        { RuntimeStatus: OrchestrationRuntimeStatus.Terminated } => "Its orchestration was terminated.",
        { FailureDetails: { } failure } => $"Its orchestration failed: {failure.ErrorMessage}",
        _ => "Its orchestration ended without saying how.",
    };

    [LoggerMessage(318, LogLevel.Information, "{Orchestration} {Id} was suspended and is resumed, because it is being cancelled")]
    private static partial void LogResumed(ILogger logger, string orchestration, string id);

    [LoggerMessage(310, LogLevel.Warning, "{Orchestration} {Id} has no living orchestration and is ended: {Reason}")]
    private static partial void LogEnded(ILogger logger, string orchestration, string id, string reason);
}
