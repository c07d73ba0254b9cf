using System.Diagnostics;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Report;
using AiPlatform.Hosting;
using AiPlatform.Hosting.Telemetry;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>One slot: takes a node from the queues, runs it, takes the next.</summary>
internal sealed class NodeWorker(
    INodeQueue queue, NodeServices services, ActiveNodes active, Registration registration, ILogger<NodeWorker> logger) : BackgroundLoop(services.Time, logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private readonly ILogger _logger = logger;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => services.Options.PollInterval;

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await registration.Registered.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (active.Draining || await queue.TryReceiveAsync(cancellationToken).ConfigureAwait(false) is not { } lease)
        {
            return false;
        }

        await using (lease.ConfigureAwait(false))
        {
            if (active.Draining)
            {
                // Told so while it waited for a node.
                await lease.AbandonAsync(CancellationToken.None).ConfigureAwait(false);
                return false;
            }

            await HandleAsync(lease, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    private async Task HandleAsync(INodeLease lease, CancellationToken cancellationToken)
    {
        var key = NodeKey.Of(lease.Message);
        if (active.Contains(key))
        {
            await lease.CompleteAsync(cancellationToken).ConfigureAwait(false); // A repeat of what another slot runs.
            return;
        }

        // What the node's reports call from now on is part of it, also when that comes after its end.
        using var span = Traces.Start("job.node", ActivityKind.Consumer, lease.Message.Traceparent);
        span?.SetTag("aiplatform.job.id", key.JobId).SetTag("aiplatform.job.attempt", key.Attempt).SetTag("aiplatform.job.node", key.Node);
        switch (await ClaimAsync(key, cancellationToken).ConfigureAwait(false))
        {
            case (ClaimResult.Claimed, { } assignment):
                Logs.Claimed(_logger, key, assignment.RunId);
                await RunAsync(key, assignment, span?.Id ?? lease.Message.Traceparent, cancellationToken).ConfigureAwait(false);
                await lease.CompleteAsync(CancellationToken.None).ConfigureAwait(false);
                break;
            case (ClaimResult.Refused, _):
                await lease.CompleteAsync(cancellationToken).ConfigureAwait(false);
                break;
            default:
                await lease.AbandonAsync(CancellationToken.None).ConfigureAwait(false);
                break;
        }
    }

    private async Task RunAsync(NodeKey key, NodeAssignment assignment, string? traceparent, CancellationToken cancellationToken)
    {
        var ranks = assignment.Spec.Resources.ProcessesPerNode;
        var state = new NodeState(
            key.JobId, key.Attempt, key.Node, assignment.RunId, [.. Enumerable.Range(key.Node * ranks, ranks)],
            Path.Combine(Path.GetTempPath(), $"aip-{Guid.NewGuid():N}"), traceparent);
        var directory = NodeDirectory.Create(services.Identity.DataDirectory, state);
        directory.WriteToken(assignment.JobToken);
        var journal = services.Journals.Open(directory, state, assignment.JobToken);
        var reported = false;
        await using (journal.ConfigureAwait(false))
        {
            var run = new NodeRun(services, key, assignment, directory, journal, traceparent);
            active.TryAdd(run);
            try
            {
                await run.RunAsync(cancellationToken).ConfigureAwait(false);
                reported = run.IsReported;
            }
            finally
            {
                active.Remove(key);
            }
        }

        if (reported)
        {
            Logs.Remaining(_logger, directory.Delete());
        }
    }

    private async Task<(ClaimResult Result, NodeAssignment? Assignment)> ClaimAsync(NodeKey key, CancellationToken cancellationToken)
    {
        var request = new ClaimNodeRequest(services.Identity.Id, services.Identity.SessionId, services.Identity.Host);
        var began = services.Time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            string reason;
            try
            {
                return (ClaimResult.Claimed, await services.Client.ClaimNodeAsync(key.JobId, key.Attempt, key.Node, request, cancellationToken).ConfigureAwait(false));
            }
            catch (ApiException exception) when (exception.Code is ErrorCodes.NodeClaimed or ErrorCodes.NotFound or ErrorCodes.IllegalTransition)
            {
                Logs.NotClaimed(_logger, key, exception.Message);
                return (ClaimResult.Refused, null);
            }
            catch (Exception exception) when (exception is ApiException or HttpRequestException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                reason = exception.Message;
            }
            catch (OperationCanceledException)
            {
                return (ClaimResult.GivenUp, null);
            }

            Logs.ClaimFailed(_logger, key, reason);
            if (services.Time.GetElapsedTime(began) > services.Options.ClaimPatience || cancellationToken.IsCancellationRequested)
            {
                return (ClaimResult.GivenUp, null);
            }

            await Task.Delay(BackOff.After(attempt, FirstPause, LongestPause), services.Time, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private enum ClaimResult
    {
        Claimed,
        Refused,
        GivenUp,
    }
}
