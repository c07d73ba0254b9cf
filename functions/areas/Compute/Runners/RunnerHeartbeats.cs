using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;
using AiPlatform.Ports.Identity;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Runners;

/// <summary>Takes runners' signs of life and answers what they are to stop, with fresh tokens for what goes on.</summary>
internal sealed class RunnerHeartbeats(RunnerStore store, RunnerWatch watch, IJobTokens tokens, IOptions<RunnerOptions> options, TimeProvider time)
{
    /// <summary>Records that a runner lives and compares what it runs with what it should.</summary>
    public async Task<HeartbeatResponse> TakeAsync(string runner, HeartbeatRequest request, CancellationToken cancellationToken)
    {
        await store.HeartbeatAsync(runner, request, cancellationToken);
        var nodes = await store.NodesAsync(runner, request.Nodes, cancellationToken);
        var commands = new List<RunnerCommand>();
        var fresh = new List<RefreshedJobToken>();
        foreach (var node in nodes)
        {
            if (!node.IsReported)
            {
                await CloseForgottenAsync(node, runner, time.GetUtcNow() - options.Value.StartPatience, cancellationToken);
            }
            else if (node.StopReason(runner, request.SessionId) is { } reason)
            {
                commands.Add(new RunnerCommand(RunnerCommandKind.Cancel, node.Key, reason));
            }
            else
            {
                var token = tokens.ForJob(node.JobId, node.RunId, node.Attempt);
                fresh.Add(new RefreshedJobToken(node.Key, token.Token, token.ExpiresIn));
            }
        }

        var known = nodes.Select(node => node.Key).ToHashSet();
        commands.AddRange(request.Nodes.Where(node => !known.Contains(node)).Select(node => new RunnerCommand(RunnerCommandKind.Cancel, node, "The node is not known.")));
        return new HeartbeatResponse(commands, fresh);
    }

    // A claim whose answer never arrived leaves a node that nobody runs: it must not hold its slot for ever.
    private Task CloseForgottenAsync(RunnerNodeRow node, string runner, DateTimeOffset patience, CancellationToken cancellationToken)
    {
        if (node.ClaimedAt > patience || node.StartedAt is not null)
        {
            return Task.CompletedTask;
        }

        return node.AttemptEndedAt is not null
            ? watch.ReportAsync(node.Key, JobEventKind.Cancelled, runner, "The attempt ended before the node began.", cancellationToken)
            : watch.ReportAsync(node.Key, JobEventKind.Lost, runner, $"Runner {runner} never began the node.", cancellationToken);
    }
}
