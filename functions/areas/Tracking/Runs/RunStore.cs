using System.Collections.Immutable;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;
using AiPlatform.Tracking.Metrics;
using Dapper;
using Npgsql;

namespace AiPlatform.Tracking.Runs;

/// <summary>Runs with their parameters, tags and metric summaries.</summary>
internal sealed class RunStore(Database database, EventStream events, MetricSummaries summaries, TimeProvider time)
{
    /// <summary>Creates a run that no job drives.</summary>
    public async Task<Run> CreateAsync(NewRun run, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await InsertAsync(connection, null, run, cancellationToken);

        // Nobody can have logged to it yet.
        return Of(row, run.Params ?? ImmutableDictionary<string, string>.Empty, run.Tags ?? ImmutableDictionary<string, string>.Empty, []);
    }

    /// <summary>Writes a run with its parameters and tags in one statement, inside the caller's transaction when there is one.</summary>
    public Task<RunRow> InsertAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, NewRun run, CancellationToken cancellationToken)
        => connection.QuerySingleAsync<RunRow>(new CommandDefinition(
            $"""
            WITH params AS (INSERT INTO run_params (run_id, key, value) SELECT @Id, key, value FROM unnest(@paramKeys, @paramValues) AS sent (key, value)),
                 tags AS (INSERT INTO run_tags (run_id, key, value) SELECT @Id, key, value FROM unnest(@tagKeys, @tagValues) AS sent (key, value))
            INSERT INTO runs AS r (id, project_id, experiment_id, job_id, name, status, user_name, created_by, created_at, updated_at, started_at)
            VALUES (@Id, @ProjectId, @ExperimentId, @JobId, @Name, @status, (SELECT u.user_name FROM {IdentityRelations.Users} u WHERE u.id = @CreatedBy), @CreatedBy, @now, @now, @started)
            RETURNING {RunRow.Columns}
            """,
            new
            {
                run.Id,
                run.ProjectId,
                run.ExperimentId,
                run.JobId,
                run.Name,
                status = run.Status.ToText(),
                run.CreatedBy,
                now = time.GetUtcNow(),
                started = run.Status == RunStatus.Running ? time.GetUtcNow() : (DateTimeOffset?)null,
                paramKeys = run.Params?.Keys.ToArray() ?? [],
                paramValues = run.Params?.Values.ToArray() ?? [],
                tagKeys = run.Tags?.Keys.ToArray() ?? [],
                tagValues = run.Tags?.Values.ToArray() ?? [],
            },
            transaction,
            cancellationToken: cancellationToken));

    /// <summary>One more live run than asked for, newest first; of one experiment or of the whole project.</summary>
    public async Task<IReadOnlyList<RunRow>> ListAsync(string projectId, string? experimentId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<RunRow>(new CommandDefinition(
            $"""
            SELECT {RunRow.Columns} FROM runs r
            WHERE r.project_id = @projectId AND r.deleted_at IS NULL
              AND (@experimentId::text IS NULL OR r.experiment_id = @experimentId) AND (@after::text IS NULL OR r.id < @after)
            ORDER BY r.id DESC LIMIT @limit
            """,
            new { projectId, experimentId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
        return rows.AsList();
    }

    /// <summary>Those of these runs that are live runs of the project.</summary>
    public async Task<IReadOnlyList<RunRow>> FilterAsync(string projectId, string[] ids, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<RunRow>(new CommandDefinition(
            $"SELECT {RunRow.Columns} FROM runs r WHERE r.id = ANY(@ids) AND r.project_id = @projectId AND r.deleted_at IS NULL ORDER BY r.id",
            new { ids, projectId },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>Adds parameters, tags and metric summaries to runs, in one round trip for all of them.</summary>
    public async Task<IReadOnlyList<Run>> CompleteAsync(IReadOnlyList<RunRow> runs, CancellationToken cancellationToken)
    {
        await summaries.EnsureAsync([.. runs.Select(run => run.Id)], cancellationToken);
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            """
            SELECT run_id, key, value FROM run_params WHERE run_id = ANY(@ids) ORDER BY run_id, key;
            SELECT run_id, key, value FROM run_tags WHERE run_id = ANY(@ids) ORDER BY run_id, key;
            SELECT * FROM metric_summaries WHERE run_id = ANY(@ids) ORDER BY run_id, key;
            """,
            new { ids = runs.Select(run => run.Id).ToArray() },
            cancellationToken: cancellationToken));
        var parameters = (await results.ReadAsync<RunEntryRow>()).ToLookup(row => row.RunId);
        var tags = (await results.ReadAsync<RunEntryRow>()).ToLookup(row => row.RunId);
        var metrics = (await results.ReadAsync<MetricSummaryRow>()).ToLookup(row => row.RunId);
        return
        [
            .. runs.Select(run => Of(
                run,
                parameters[run.Id].ToDictionary(row => row.Key, row => row.Value),
                tags[run.Id].ToDictionary(row => row.Key, row => row.Value),
                [.. metrics[run.Id].Select(row => row.ToContract())])),
        ];
    }

    /// <summary>Renames a run, or ends one that no job drives.</summary>
    /// <exception cref="ApiException">409 <c>illegal_transition</c>.</exception>
    public Task<RunRow> UpdateAsync(string runId, UpdateRunRequest request, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                var run = await connection.QuerySingleOrDefaultAsync<RunRow>(new CommandDefinition(
                    $"SELECT {RunRow.Columns} FROM runs r WHERE r.id = @runId AND r.deleted_at IS NULL FOR NO KEY UPDATE",
                    new { runId },
                    transaction,
                    cancellationToken: cancellationToken)) ?? throw ApiException.NotFound("run", runId);
                if (request.Status is { } status && status != run.Status)
                {
                    RunTransitions.Require(run, status);
                }

                var row = await connection.QuerySingleAsync<RunRow>(new CommandDefinition(
                    $"""
                    UPDATE runs r SET
                        name = coalesce(@name, name), status = coalesce(@status, status), updated_at = @now,
                        started_at = CASE WHEN @running THEN coalesce(started_at, @now) ELSE started_at END,
                        ended_at = CASE WHEN @final THEN coalesce(ended_at, @now) ELSE ended_at END
                    WHERE r.id = @runId RETURNING {RunRow.Columns}
                    """,
                    new
                    {
                        runId,
                        name = request.Name,
                        status = request.Status?.ToText(),
                        running = request.Status == RunStatus.Running,
                        final = request.Status is { } to && RunTransitions.IsFinal(to),
                        now = time.GetUtcNow(),
                    },
                    transaction,
                    cancellationToken: cancellationToken));
                await events.PublishAsync(connection, transaction, $"run:{runId}", "run.status", new { status = row.Status }, cancellationToken);
                return row;
            },
            cancellationToken);

    /// <summary>Deletes softly, or takes that back.</summary>
    public async Task SetDeletedAsync(string runId, bool deleted, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE runs SET deleted_at = CASE WHEN @deleted THEN coalesce(deleted_at, @now) END, updated_at = @now WHERE id = @runId AND purged_at IS NULL",
            new { runId, deleted, now = time.GetUtcNow() },
            cancellationToken: cancellationToken));
    }

    /// <summary>Sets parameters: all of them, or none.</summary>
    /// <exception cref="ApiException">409 <c>value_conflict</c> naming a parameter that has another value already.</exception>
    public Task LogParamsAsync(string runId, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                // Sorted keys: two writers of the same keys cannot wait for each other in a circle.
                await connection.ExecuteAsync(new CommandDefinition(
                    """
                    INSERT INTO run_params (run_id, key, value)
                    SELECT @runId, key, value FROM unnest(@keys, @values) AS sent (key, value) ORDER BY key
                    ON CONFLICT DO NOTHING
                    """,
                    new { runId, keys = parameters.Keys.ToArray(), values = parameters.Values.ToArray() },
                    transaction,
                    cancellationToken: cancellationToken));
                var conflict = await connection.QueryFirstOrDefaultAsync<RunEntryRow>(new CommandDefinition(
                    """
                    SELECT p.run_id, p.key, p.value FROM run_params p JOIN unnest(@keys, @values) AS sent (key, value) ON sent.key = p.key
                    WHERE p.run_id = @runId AND p.value <> sent.value ORDER BY p.key LIMIT 1
                    """,
                    new { runId, keys = parameters.Keys.ToArray(), values = parameters.Values.ToArray() },
                    transaction,
                    cancellationToken: cancellationToken));
                if (conflict is not null)
                {
                    throw new ApiException(Contracts.ErrorCodes.ValueConflict, conflict.Key, conflict.Value) { Field = $"params.{conflict.Key}" };
                }
            },
            cancellationToken);

    /// <summary>Sets tags; the last write wins.</summary>
    public async Task SetTagsAsync(string runId, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO run_tags (run_id, key, value)
            SELECT @runId, key, value FROM unnest(@keys, @values) AS sent (key, value) ORDER BY key
            ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value
            """,
            new { runId, keys = tags.Keys.ToArray(), values = tags.Values.ToArray() },
            cancellationToken: cancellationToken));
    }

    private static Run Of(
        RunRow run, IReadOnlyDictionary<string, string> parameters, IReadOnlyDictionary<string, string> tags, IReadOnlyList<MetricSummary> metrics)
        => new(
            run.Id, run.ExperimentId, run.ProjectId, run.Name, run.Status, run.JobId, run.CreatedAt, run.StartedAt, run.EndedAt, parameters, tags, metrics);
}

/// <summary>A run to be written.</summary>
internal sealed record NewRun(
    string Id, string ProjectId, string ExperimentId, string? JobId, string Name, RunStatus Status, string CreatedBy,
    IReadOnlyDictionary<string, string>? Params, IReadOnlyDictionary<string, string>? Tags);
