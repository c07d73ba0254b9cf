using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;

namespace AiPlatform.Orchestrations.Maintenance.Activities;

/// <summary>One sweep: removes instances by the time they ended. A repeat finds what is left.</summary>
internal sealed class PurgeEndedInstances(DurableTaskClient client, WorkerStop stop, IOptions<RetentionOptions> options, TimeProvider time)
    : TaskActivity<object?, SweepOutcome>
{
    private const int PageSize = 500;

    /// <inheritdoc />
    public override async Task<SweepOutcome> RunAsync(TaskActivityContext context, object? input)
    {
        var now = time.GetUtcNow();
        var left = options.Value.MaxPerSweep;
        left = await PurgeAsync(
            [OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Terminated], now - options.Value.KeepCompleted, left, stop.Token);
        left = await PurgeAsync([OrchestrationRuntimeStatus.Failed], now - options.Value.KeepFailed, left, stop.Token);
        return new(options.Value.MaxPerSweep - left, options.Value.Interval);
    }

    private async Task<int> PurgeAsync(OrchestrationRuntimeStatus[] statuses, DateTimeOffset endedBefore, int left, CancellationToken cancellationToken)
    {
        string? last = null;
        do
        {
            var page = await client.ListInstanceIdsAsync(statuses, null, endedBefore, Math.Min(PageSize, Math.Max(left, 1)), last, cancellationToken);
            foreach (var id in page.Values.Take(left))
            {
                left -= await PurgeAsync(id, cancellationToken);
            }

            last = page.Values.Count == 0 ? null : page.ContinuationToken;
        }
        while (last is not null && left > 0);

        return left;
    }

    private async Task<int> PurgeAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return (await client.PurgeInstanceAsync(id, cancellation: cancellationToken)).PurgedInstanceCount;
        }
        catch (InvalidOperationException)
        {
            // Started again since the list was read.
            return 0;
        }
    }
}
