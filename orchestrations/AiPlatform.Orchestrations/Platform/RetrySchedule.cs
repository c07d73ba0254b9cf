using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>
/// Attempts of an activity with growing pauses. A handler and not a policy of the SDK: a policy waits once more after the last attempt,
/// which the histories of instances that were started before the SDK came do not have.
/// </summary>
internal static class RetrySchedule
{
    /// <summary>Makes the options of a call.</summary>
    /// <param name="attempts">How often it is tried.</param>
    /// <param name="first">The pause after the first failure.</param>
    /// <param name="coefficient">By how much each pause is longer than the one before.</param>
    /// <param name="longest">The longest pause.</param>
    /// <param name="mayPass">Which failures another attempt may help against; all when null.</param>
    public static TaskOptions Of(int attempts, TimeSpan first, double coefficient, TimeSpan longest, Func<TaskFailureDetails, bool>? mayPass = null)
        => TaskOptions.FromRetryHandler(async context =>
        {
            if (context.LastAttemptNumber >= attempts || mayPass?.Invoke(context.LastFailure) == false)
            {
                return false;
            }

            await context.OrchestrationContext.CreateTimer(Pause(context.LastAttemptNumber, first, coefficient, longest), CancellationToken.None);
            return true;
        });

    /// <summary>The pause after so many failures.</summary>
    public static TimeSpan Pause(int failures, TimeSpan first, double coefficient, TimeSpan longest)
        => TimeSpan.FromMilliseconds(Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(coefficient, failures - 1)));
}
