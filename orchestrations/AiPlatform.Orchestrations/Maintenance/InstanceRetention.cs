using AiPlatform.Orchestrations.Maintenance.Activities;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Maintenance;

/// <summary>
/// Removes instances that ended long ago, for ever: one sweep, one durable timer, then a new history. There is one instance of
/// it in a hub, however many workers there are.
/// </summary>
public sealed class InstanceRetention : TaskOrchestrator<object?, int>
{
    /// <summary>The id of the only instance.</summary>
    public const string InstanceId = "instance-retention";

    // The hub may be away for long; the schedule must not end with it.
    private static readonly TaskOptions Patient = RetrySchedule.Of(
        attempts: 100, first: TimeSpan.FromSeconds(5), coefficient: 2, longest: TimeSpan.FromMinutes(30));

    /// <inheritdoc />
    public override async Task<int> RunAsync(TaskOrchestrationContext context, object? input)
    {
        var outcome = await context.CallActivityAsync<SweepOutcome>(nameof(PurgeEndedInstances), null, Patient);
        context.SetCustomStatus(new { lastSweep = context.CurrentUtcDateTime, purged = outcome.Purged });
        await context.CreateTimer(outcome.NextIn, CancellationToken.None);
        context.ContinueAsNew();
        return outcome.Purged;
    }
}
