using System.Text.Json;
using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Runners;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Compute.Runners;

/// <summary>Runners in PostgreSQL.</summary>
internal sealed class RunnerStore(Database database, CapacitySignal capacity, TimeProvider time)
{
    /// <summary>Registers a runner or its new life.</summary>
    public Task<RunnerRow> RegisterAsync(RegisterRunnerRequest request, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await work.ExecuteAsync(
                    """
                    INSERT INTO runners (id, name, pool, session_id, host, status, slots, gpus, version, devices, registered_at, last_heartbeat_at)
                    VALUES (@Id, @Name, @Pool, @SessionId, @Host, 'online', @Slots, @gpus, @Version, @devices::jsonb, @now, @now)
                    ON CONFLICT (id) DO UPDATE SET
                        name = excluded.name, pool = excluded.pool, session_id = excluded.session_id, host = excluded.host, status = 'online',
                        slots = excluded.slots, gpus = excluded.gpus, draining = false, version = excluded.version, devices = excluded.devices,
                        last_heartbeat_at = excluded.last_heartbeat_at
                    """,
                    new
                    {
                        request.Id,
                        request.Name,
                        request.Pool,
                        request.SessionId,
                        request.Host,
                        request.Slots,
                        request.Version,
                        gpus = request.Devices.Count(device => device.Kind == "gpu"),
                        devices = JsonSerializer.Serialize(request.Devices, ContractsJson.Strict),
                        now = time.GetUtcNow(),
                    });
                await capacity.RaiseAsync(work, request.Pool);
                return await work.SingleAsync<RunnerRow>($"{RunnerRow.Select} WHERE r.id = @Id", new { request.Id });
            },
            cancellationToken);

    /// <summary>Notes a sign of life.</summary>
    /// <exception cref="ApiException">404: the runner, or this session of it, is not registered.</exception>
    public Task HeartbeatAsync(string runnerId, HeartbeatRequest request, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var before = await work.FindAsync<BeforeRow>(
                    """
                    UPDATE runners r SET last_heartbeat_at = @now, status = 'online', draining = @Draining
                    FROM (SELECT id, status, draining FROM runners WHERE id = @runnerId AND session_id = @SessionId FOR NO KEY UPDATE) before
                    WHERE r.id = before.id
                    RETURNING before.status, before.draining, r.pool
                    """,
                    new { runnerId, request.SessionId, request.Draining, now = time.GetUtcNow() }) ?? throw ApiException.NotFound("runner", runnerId);
                await work.ExecuteAsync(
                    """
                    INSERT INTO runner_samples (runner_id, samples, at) VALUES (@runnerId, @samples::jsonb, @now)
                    ON CONFLICT (runner_id) DO UPDATE SET samples = excluded.samples, at = excluded.at
                    """,
                    new { runnerId, samples = JsonSerializer.Serialize(request.Samples, ContractsJson.Strict), now = time.GetUtcNow() });
                if (before.Status == RunnerStatus.Offline || (before.Draining && !request.Draining))
                {
                    await capacity.RaiseAsync(work, before.Pool);
                }
            },
            cancellationToken);

    /// <summary>What the platform knows about nodes that a runner says it runs, and about nodes that it should run.</summary>
    public async Task<IReadOnlyList<RunnerNodeRow>> NodesAsync(string runnerId, IReadOnlyList<RunningNode> reported, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<RunnerNodeRow>(new CommandDefinition(
            """
            WITH reported AS (
                SELECT n.*, true AS is_reported FROM unnest(@jobs, @attempts, @nodes) AS r (job_id, attempt, node)
                JOIN job_nodes n ON n.job_id = r.job_id AND n.attempt = r.attempt AND n.node = r.node
            ), silent AS (
                SELECT n.*, false FROM job_nodes n
                WHERE n.runner_id = @runnerId AND n.ended_at IS NULL
                  AND NOT EXISTS (SELECT 1 FROM reported r WHERE r.job_id = n.job_id AND r.attempt = n.attempt AND r.node = n.node)
            )
            SELECT n.job_id, n.attempt, n.node, n.runner_id, n.session_id, n.claimed_at, n.started_at, n.ended_at, n.is_reported,
                   j.status AS job_status, j.run_id, j.cancel_reason, a.ended_at AS attempt_ended_at, a.reason AS attempt_reason
            FROM (SELECT * FROM reported UNION ALL SELECT * FROM silent) n
            JOIN jobs j ON j.id = n.job_id JOIN job_attempts a ON a.job_id = n.job_id AND a.attempt = n.attempt
            """,
            new
            {
                runnerId,
                jobs = reported.Select(node => node.JobId).ToArray(),
                attempts = reported.Select(node => node.Attempt).ToArray(),
                nodes = reported.Select(node => node.Node).ToArray(),
            },
            cancellationToken: cancellationToken));
        return rows.AsList();
    }

    /// <summary>One more runner than asked for, newest first.</summary>
    public async Task<IEnumerable<RunnerRow>> ListAsync(string? pool, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<RunnerRow>(new CommandDefinition(
            $"""
            {RunnerRow.Select}
            WHERE (@pool::text IS NULL OR r.pool = @pool) AND (@after::text IS NULL OR r.id < @after) ORDER BY r.id DESC LIMIT @limit
            """,
            new { pool, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>A runner.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<RunnerRow> GetAsync(string runnerId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<RunnerRow>(new CommandDefinition(
                $"{RunnerRow.Select} WHERE r.id = @runnerId", new { runnerId }, cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("runner", runnerId);
    }

    private sealed class BeforeRow
    {
        public RunnerStatus Status { get; init; }

        public bool Draining { get; init; }

        public required string Pool { get; init; }
    }
}
