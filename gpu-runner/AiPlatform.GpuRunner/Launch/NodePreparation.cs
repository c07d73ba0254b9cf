using System.Net;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Report;
using AiPlatform.GpuRunner.Workspace;
using AiPlatform.Hosting;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>What a node needs before its ranks start: the workspace, and the place where the ranks meet.</summary>
internal sealed class NodePreparation(NodeServices services, NodeKey key, NodeAssignment assignment, NodeDirectory directory)
{
    private static readonly TimeSpan RendezvousPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    private readonly ILogger _logger = services.Loggers.CreateLogger<NodePreparation>();

    /// <summary>Lays out the workspace, however long the store is away.</summary>
    /// <exception cref="WorkspaceException">The job can never run.</exception>
    public async Task<(NodeWorkspace Workspace, StagedCheckpoint? Checkpoint)> StageAsync(CancellationToken cancellationToken)
    {
        var current = assignment;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await services.Stager.StageAsync(directory.Workspace, current, services.Isolation.Account, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested
                && exception is HttpRequestException or InvalidDataException or IOException or OperationCanceledException)
            {
                if (exception is InvalidDataException && attempt >= 3)
                {
                    throw new WorkspaceException($"The data cannot be staged: {exception.Message}");
                }

                Logs.StagingFailed(_logger, key, exception.Message);
                await Task.Delay(BackOff.After(attempt, FirstPause, LongestPause), services.Time, cancellationToken).ConfigureAwait(false);
                current = await RenewAssignmentAsync(current, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // URLs may have expired while the store was away; the same runner may claim again.
    private async Task<NodeAssignment> RenewAssignmentAsync(NodeAssignment current, CancellationToken cancellationToken)
    {
        try
        {
            var request = new ClaimNodeRequest(services.Identity.Id, services.Identity.SessionId, services.Identity.Host);
            return await services.Client.ClaimNodeAsync(key.JobId, key.Attempt, key.Node, request, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.NodeClaimed)
        {
            throw new WorkspaceException("The attempt ended while its data was staged.");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && exception is ApiException or HttpRequestException or OperationCanceledException)
        {
            Logs.ClaimFailed(_logger, key, exception.Message);
            return current;
        }
    }

    /// <summary>Node 0 chooses the place and says it; the others wait until it has.</summary>
    public async Task<Rendezvous> MeetAsync(CancellationToken cancellationToken)
    {
        var nodes = assignment.Spec.Resources.Nodes;

        // Another server may take the port before rank 0 binds it; the attempt fails then and is repeated.
        var own = new Rendezvous(services.Identity.Host, key.Node == 0 ? TcpPorts.Free() : 0);
        if (nodes == 1)
        {
            return own; // Nobody else has to find it.
        }

        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (key.Node != 0)
                {
                    return await services.Client.GetRendezvousAsync(key.JobId, key.Attempt, cancellationToken).ConfigureAwait(false);
                }

                await services.Client.PutRendezvousAsync(key.JobId, key.Attempt, own, cancellationToken).ConfigureAwait(false);
                return own;
            }
            catch (ApiException exception) when (key.Node != 0 && exception.Status == HttpStatusCode.NotFound)
            {
                await Task.Delay(RendezvousPause, services.Time, cancellationToken).ConfigureAwait(false);
                attempt = 0;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested
                && (exception is HttpRequestException or OperationCanceledException || (exception is ApiException api && !SpoolSender.IsRefusal(api))))
            {
                Logs.ClaimFailed(_logger, key, exception.Message);
                await Task.Delay(BackOff.After(attempt, FirstPause, LongestPause), services.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
