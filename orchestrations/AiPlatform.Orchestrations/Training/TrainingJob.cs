using AiPlatform.Contracts.Jobs;
using AiPlatform.Orchestrations.Training.Activities;
using AiPlatform.Orchestrations.Training.Models;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Training;

/// <summary>
/// Carries one training job from submission to its end: waits until it is admitted, offers its nodes to the runners,
/// follows them, retries from the last checkpoint, registers the model. The instance id is the job's id. All state that
/// matters is in the API; this process may be repeated at any point. Each attempt begins a new history.
/// </summary>
public sealed class TrainingJob : TaskOrchestrator<TrainingJobInput, JobStatus?>
{
    /// <summary>Looks at the queue before a new history begins, so that a long wait stays small.</summary>
    private const int MaxAdmissionChecks = 20;

    /// <inheritdoc />
    public override async Task<JobStatus?> RunAsync(TaskOrchestrationContext context, TrainingJobInput input)
    {
        var steps = new TrainingJobSteps(context, input.JobId);
        try
        {
            return await RunAttemptAsync(context, steps, input);
        }
        catch (TaskFailedException exception)
        {
            // A step failed for good: the job must not wait for ever for something that cannot happen.
            var reason = $"{exception.TaskName}: {exception.FailureDetails.ErrorMessage}";
            await steps.EndAttemptAsync(input.Attempt, AttemptStatus.Failed, reason);
            return await steps.EndAsync(JobStatus.Failed, reason);
        }
    }

    private static async Task<JobStatus?> RunAttemptAsync(TaskOrchestrationContext context, TrainingJobSteps steps, TrainingJobInput input)
    {
        var signals = new JobSignals(context, input.Attempt);
        var admission = await WaitForAdmissionAsync(context, steps, signals, input);
        if (admission is null)
        {
            context.ContinueAsNew(input);
            return null;
        }

        if (!admission.Admitted)
        {
            return admission.Block == AdmissionBlock.DependencyFailed
                ? await steps.EndAsync(JobStatus.Failed, admission.Reason)
                : await steps.EndAsync(JobStatus.Cancelled, null);
        }

        var spec = await steps.DispatchAsync(admission);
        var watch = new AttemptWatch(context, signals, spec, admission.Nodes.Count);
        var outcome = await watch.RunAsync();
        await steps.EndAttemptAsync(input.Attempt, outcome.Status, outcome.Reason);
        switch (outcome.Status)
        {
            case AttemptStatus.Succeeded:
                await steps.RegisterModelAsync();
                return await steps.EndAsync(JobStatus.Succeeded, null);

            case AttemptStatus.Cancelled:
                await watch.WaitForNodesToStopAsync();
                return await steps.EndAsync(JobStatus.Cancelled, outcome.Reason);

            default:
                return await RetryOrFailAsync(context, steps, signals, spec, outcome, input);
        }
    }

    private static async Task<JobStatus?> RetryOrFailAsync(
        TaskOrchestrationContext context, TrainingJobSteps steps, JobSignals signals, JobSpec spec, AttemptOutcome outcome, TrainingJobInput input)
    {
        var next = AttemptPolicy.Next(input, spec.Retry, outcome.Status);
        if (next is null)
        {
            return await steps.EndAsync(JobStatus.Failed, outcome.Reason);
        }

        await steps.SetStatusAsync(JobStatus.Retrying, outcome.Reason);
        await signals.WaitAsync(AttemptPolicy.Delay(next, spec.Retry, outcome.Status), signals.Cancel);
        context.ContinueAsNew(next);
        return null;
    }

    /// <summary>Asks until the attempt is admitted or can never be; null when a new history should go on asking.</summary>
    private static async Task<JobAdmission?> WaitForAdmissionAsync(
        TaskOrchestrationContext context, TrainingJobSteps steps, JobSignals signals, TrainingJobInput input)
    {
        for (var check = 1; check <= MaxAdmissionChecks; check++)
        {
            var admission = await steps.AdmitAsync(input.Attempt);
            if (admission.Admitted || admission.Block is AdmissionBlock.DependencyFailed or AdmissionBlock.Ended)
            {
                return admission;
            }

            // The events say when to look; the timer only covers an event that went astray.
            await signals.WaitAsync(TimeSpan.FromSeconds(Math.Min(5 * check, 30)), signals.Cancel, signals.Dependency, signals.Capacity);
            signals.Reset();
        }

        return null;
    }
}
