using AiPlatform.Contracts.Jobs;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Training;

/// <summary>How an attempt ended.</summary>
internal sealed record AttemptOutcome(AttemptStatus Status, string? Reason);

/// <summary>Follows the nodes of one attempt until all have finished or one has not.</summary>
internal sealed class AttemptWatch(TaskOrchestrationContext context, JobSignals signals, JobSpec spec, int nodes)
{
    /// <summary>A reserved runner takes its message at once; when none has after this time, something was lost.</summary>
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(3);

    /// <summary>The runner ends a job at its time-out; this covers a runner that does not.</summary>
    private static readonly TimeSpan TimeoutGrace = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(45);

    private readonly HashSet<int> _running = [];
    private readonly HashSet<int> _finished = [];

    public async Task<AttemptOutcome> RunAsync()
    {
        var startBy = context.CurrentUtcDateTime + StartTimeout;
        var endBy = startBy + TimeSpan.FromSeconds(spec.TimeoutSeconds) + TimeoutGrace;
        while (_finished.Count < nodes)
        {
            var allStarted = _running.Count + _finished.Count == nodes;
            var patience = (allStarted ? endBy : startBy) - context.CurrentUtcDateTime;
            if (patience <= TimeSpan.Zero || !await signals.WaitAsync(patience, signals.Cancel, signals.JobEvent))
            {
                return allStarted
                    ? new AttemptOutcome(AttemptStatus.Failed, $"The job did not end within {spec.TimeoutSeconds} s and its runner did not stop it.")
                    : new AttemptOutcome(AttemptStatus.Lost, $"Not all nodes started within {StartTimeout.TotalSeconds:0} s.");
            }

            if (signals.Cancel.IsCompleted)
            {
                return new AttemptOutcome(AttemptStatus.Cancelled, await signals.Cancel);
            }

            if (await signals.TakeJobEventAsync() is { } jobEvent && Apply(jobEvent) is { } outcome)
            {
                return outcome;
            }
        }

        return new AttemptOutcome(AttemptStatus.Succeeded, null);
    }

    /// <summary>After a cancellation: waits, with patience, until the nodes that ran have said that they stopped.</summary>
    public async Task WaitForNodesToStopAsync()
    {
        var deadline = context.CurrentUtcDateTime + StopPatience;
        while (_running.Count > 0)
        {
            var patience = deadline - context.CurrentUtcDateTime;
            if (patience <= TimeSpan.Zero || !await signals.WaitAsync(patience, signals.JobEvent))
            {
                return;
            }

            if (await signals.TakeJobEventAsync() is { } jobEvent)
            {
                Apply(jobEvent);
            }
        }
    }

    private AttemptOutcome? Apply(JobEvent jobEvent)
    {
        switch (jobEvent.Kind)
        {
            case JobEventKind.Started:
                if (!_finished.Contains(jobEvent.Node))
                {
                    _running.Add(jobEvent.Node);
                }

                return null;

            case JobEventKind.Finished:
                _running.Remove(jobEvent.Node);
                _finished.Add(jobEvent.Node);
                return null;

            case JobEventKind.Failed:
                return Stopped(jobEvent, AttemptStatus.Failed);

            case JobEventKind.Lost:
                return Stopped(jobEvent, AttemptStatus.Lost);

            case JobEventKind.Cancelled:
                return Stopped(jobEvent, AttemptStatus.Cancelled);

            default:
                throw new InvalidOperationException($"Unknown job event {jobEvent.Kind}.");
        }
    }

    private AttemptOutcome Stopped(JobEvent jobEvent, AttemptStatus status)
    {
        _running.Remove(jobEvent.Node);
        return new AttemptOutcome(status, jobEvent.Reason);
    }
}
