using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Runners;

/// <summary>
/// Finds runners that fell silent and nodes that died with an earlier life of their runner, and reports those nodes as
/// lost. Silence counts only while the platform listened: after an outage of the platform itself, runners get the time to
/// call again.
/// </summary>
internal sealed class RunnerWatch(Database database, JobEventSink events, IOptions<RunnerOptions> options, TimeProvider time) : ITickTask
{
    private const int MaxNodes = 500;

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (await IsListeningAsync(cancellationToken))
        {
            await using var connection = await database.OpenAsync(cancellationToken);
            await connection.ExecuteAsync(new CommandDefinition(
                "UPDATE runners SET status = 'offline' WHERE status <> 'offline' AND last_heartbeat_at < @since",
                new { since = time.GetUtcNow() - options.Value.OfflineAfter },
                cancellationToken: cancellationToken));
        }

        await ReportLostNodesAsync(null, cancellationToken);
    }

    /// <summary>Reports live nodes of offline runners and of earlier sessions as lost; of one runner, or of all.</summary>
    public async Task ReportLostNodesAsync(string? runnerId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var nodes = await connection.QueryAsync<LostRow>(new CommandDefinition(
            """
            SELECT n.job_id, n.attempt, n.node, n.runner_id, r.status
            FROM job_nodes n JOIN runners r ON r.id = n.runner_id
            WHERE n.ended_at IS NULL AND (@runnerId::text IS NULL OR r.id = @runnerId) AND (r.status = 'offline' OR n.session_id <> r.session_id)
            ORDER BY n.job_id, n.attempt, n.node LIMIT @limit
            """,
            new { runnerId, limit = MaxNodes },
            cancellationToken: cancellationToken));
        foreach (var node in nodes)
        {
            var reason = node.Status == RunnerStatus.Offline ? $"Runner {node.RunnerId} fell silent." : $"Runner {node.RunnerId} was restarted.";
            await ReportAsync(new RunningNode(node.JobId, node.Attempt, node.Node), JobEventKind.Lost, node.RunnerId, reason, cancellationToken);
        }
    }

    /// <summary>Reports the end of a node on behalf of a runner that does not.</summary>
    public Task ReportAsync(RunningNode node, JobEventKind kind, string runnerId, string reason, CancellationToken cancellationToken)
        => events.ApplyAsync(
            new JobEvent($"watch-{node.JobId}-{node.Attempt}-{node.Node}", node.JobId, node.Attempt, node.Node, kind, time.GetUtcNow(), null, reason, runnerId),
            cancellationToken);

    private async Task<bool> IsListeningAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var since = await connection.QuerySingleAsync<DateTimeOffset>(new CommandDefinition(
            """
            INSERT INTO runner_watch AS w (last_look_at, listening_since) VALUES (@now, @now)
            ON CONFLICT (only_row) DO UPDATE SET
                listening_since = CASE WHEN w.last_look_at < @gap THEN @now ELSE w.listening_since END,
                last_look_at = greatest(w.last_look_at, @now)
            RETURNING listening_since
            """,
            new { now = time.GetUtcNow(), gap = time.GetUtcNow() - options.Value.WatchGap },
            cancellationToken: cancellationToken));
        return since <= time.GetUtcNow() - options.Value.OfflineAfter;
    }

    private sealed class LostRow
    {
        public required string JobId { get; init; }

        public int Attempt { get; init; }

        public int Node { get; init; }

        public required string RunnerId { get; init; }

        public RunnerStatus Status { get; init; }
    }
}
