using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Assessments;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;
using Dapper;

namespace AiPlatform.MLflow.Traces;

/// <summary>Traces without their spans.</summary>
internal sealed class TraceStore(Database database, ExperimentDirectory experiments, RunDirectory runs, TimeProvider time)
{
    private const int MaxLinks = 100;
    private const int BatchSize = 1_000;

    /// <summary>Creates a trace, or completes the one that its spans have made already; both may be repeated.</summary>
    public async Task StartAsync(TraceScope scope, Caller caller, TraceInfo info, CancellationToken cancellationToken)
    {
        var experiment = await RequireExperimentAsync(scope, caller, info.ExperimentId, cancellationToken);
        var tags = new Dictionary<string, string>(info.Tags, StringComparer.Ordinal)
        {
            [SpanKeys.ArtifactLocation] = $"mlflow-artifacts:/{experiment.PublicId}/traces/{info.Id}/artifacts",
            [SpanKeys.SpansLocation] = "TRACKING_STORE",
        };
        var parameters = new
        {
            project = scope.ProjectId,
            author = scope.Author,
            info.Id,
            experiment = experiment.Id,
            info.ClientRequestId,
            info.RequestPreview,
            info.ResponsePreview,
            info.StartedMs,
            info.DurationMs,
            info.State,
            tags = JsonTags.Write(tags),
            metadata = JsonTags.Write(info.Metadata),
            by = caller.UserId,
            now = time.GetUtcNow(),
        };
        var assessments = info.Assessments.Select(assessment => AssessmentRow.Read(assessment, info.Id, time.GetUtcNow())).ToList();
        await database.InWorkAsync(
            async work =>
            {
                var entries = await work.FindAsync<int?>(
                    """
                    INSERT INTO traces AS t
                        (project_id, id, experiment_id, client_request_id, request_preview, response_preview, started_ms, duration_ms, state, tags, metadata, created_by,
                         created_at, updated_at)
                    VALUES (@project, @Id, @experiment, @ClientRequestId, @RequestPreview, @ResponsePreview, @StartedMs, @DurationMs, @State,
                        @tags::jsonb, @metadata::jsonb, @by, @now, @now)
                    ON CONFLICT (project_id, id) DO UPDATE SET
                        experiment_id = excluded.experiment_id, client_request_id = coalesce(excluded.client_request_id, t.client_request_id),
                        request_preview = coalesce(excluded.request_preview, t.request_preview), response_preview = coalesce(excluded.response_preview, t.response_preview),
                        started_ms = excluded.started_ms, duration_ms = coalesce(excluded.duration_ms, t.duration_ms), state = excluded.state,
                        tags = t.tags || excluded.tags, metadata = t.metadata || excluded.metadata, updated_at = excluded.updated_at
                    WHERE @author::text IS NULL OR t.created_by = @author
                    RETURNING greatest((SELECT count(*) FROM jsonb_object_keys(t.tags)), (SELECT count(*) FROM jsonb_object_keys(t.metadata)))::integer
                    """,
                    parameters);
                CheckEntries(entries ?? throw Foreign(info.Id));

                await AssessmentStore.AddAsync(work, scope.ProjectId, assessments);
            },
            cancellationToken);
    }

    /// <summary>Ends a trace that a client of MLflow 2 has started: what it says now is added.</summary>
    public Task EndAsync(
        TraceScope scope, string id, long endedMs, string state, IReadOnlyDictionary<string, string> metadata, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken)
        => ChangeAsync(
            id,
            "duration_ms = @endedMs - t.started_ms, state = @state, tags = t.tags || @tags::jsonb, metadata = t.metadata || @metadata::jsonb",
            new { project = scope.ProjectId, author = scope.Author, id, endedMs, state, tags = JsonTags.Write(tags), metadata = JsonTags.Write(metadata), now = time.GetUtcNow() },
            cancellationToken);

    /// <summary>A trace that the caller reaches.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<TraceRow> RequireAsync(TraceScope scope, string id, CancellationToken cancellationToken)
        => (await FindAsync(scope, [id], cancellationToken)).SingleOrDefault() ?? throw Missing(id);

    /// <summary>Those of these traces that the caller reaches, in their order.</summary>
    public async Task<IReadOnlyList<TraceRow>> FindAsync(TraceScope scope, string[] ids, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<TraceRow>(new CommandDefinition(
            $"SELECT {TraceRow.Columns} FROM traces t WHERE {TraceScope.Sql} AND t.id = ANY(@ids) ORDER BY array_position(@ids, t.id)",
            new { project = scope.ProjectId, author = scope.Author, ids },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>The ids of the traces' experiments as clients know them, by those that are stored.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ExperimentsAsync(IEnumerable<TraceRow> traces, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<ExperimentRow>(new CommandDefinition(
            $"SELECT {ExperimentRow.Columns} FROM {TrackingRelations.Experiments} e WHERE e.id = ANY(@ids)",
            new { ids = traces.Select(static trace => trace.ExperimentId).Distinct(StringComparer.Ordinal).ToArray() },
            cancellationToken: cancellationToken))).ToDictionary(static row => row.Id, static row => row.PublicId, StringComparer.Ordinal);
    }

    /// <summary>Sets a tag.</summary>
    public Task SetTagAsync(TraceScope scope, string id, string key, string value, CancellationToken cancellationToken)
        => ChangeAsync(
            id,
            "tags = t.tags || jsonb_build_object(@key::text, @value::text)",
            new { project = scope.ProjectId, author = scope.Author, id, key, value, now = time.GetUtcNow() },
            cancellationToken);

    /// <summary>Deletes a tag.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST, for the trace or its tag.</exception>
    public async Task DeleteTagAsync(TraceScope scope, string id, string key, CancellationToken cancellationToken)
    {
        var changed = await ExecuteAsync(
            $"UPDATE traces t SET tags = t.tags - @key, updated_at = @now WHERE {TraceScope.Sql} AND t.id = @id AND jsonb_exists(t.tags, @key)",
            new { project = scope.ProjectId, author = scope.Author, id, key, now = time.GetUtcNow() },
            cancellationToken);
        if (changed == 0)
        {
            await RequireAsync(scope, id, cancellationToken);
            throw MLflowException.Missing($"No trace tag with key '{key}' for trace with ID '{id}'");
        }
    }

    /// <summary>Deletes traces of an experiment with all that belongs to them, the oldest first.</summary>
    /// <param name="ids">Which ones; null for all that began at <paramref name="untilMs"/> or before.</param>
    /// <returns>How many.</returns>
    public async Task<int> DeleteAsync(TraceScope scope, string experimentId, string[]? ids, long untilMs, int most, CancellationToken cancellationToken)
    {
        var experiment = await experiments.RequireAsync(scope.ProjectId, experimentId, cancellationToken);
        var deleted = 0;
        while (deleted < most)
        {
            var now = await ExecuteAsync(
                $"""
                DELETE FROM traces d WHERE d.project_id = @project AND d.id IN (
                    SELECT t.id FROM traces t WHERE {TraceScope.Sql} AND t.experiment_id = @experiment AND t.started_ms <= @untilMs
                        AND (@ids::text[] IS NULL OR t.id = ANY(@ids))
                    ORDER BY t.started_ms, t.id LIMIT @limit)
                """,
                new { project = scope.ProjectId, author = scope.Author, experiment = experiment.Id, ids, untilMs, limit = Math.Min(BatchSize, most - deleted) },
                cancellationToken);
            if (now == 0)
            {
                break;
            }

            deleted += now;
        }

        return deleted;
    }

    /// <summary>Links traces to a run; those that are not there are left out.</summary>
    public async Task LinkRunAsync(TraceScope scope, Caller caller, IReadOnlyList<string> ids, string runId, CancellationToken cancellationToken)
    {
        if (ids.Count > MaxLinks)
        {
            throw MLflowException.Invalid($"Cannot link more than {MaxLinks} traces to a run in a single request. Provided {ids.Count} traces.");
        }

        var run = await runs.RequireAsync(runId, caller, cancellationToken);
        if (run.ProjectId != scope.ProjectId)
        {
            throw MLflowException.Missing($"Run with id={runId} not found");
        }

        await ExecuteAsync(
            $"""
            INSERT INTO trace_runs (project_id, trace_id, run_id) SELECT t.project_id, t.id, @run FROM traces t WHERE {TraceScope.Sql} AND t.id = ANY(@ids)
            ON CONFLICT DO NOTHING
            """,
            new { project = scope.ProjectId, author = scope.Author, ids = ids.ToArray(), run = run.Id },
            cancellationToken);
    }

    /// <summary>Links versions of prompts to a trace.</summary>
    public async Task LinkPromptsAsync(TraceScope scope, string id, IReadOnlyList<(string Name, string Version)> prompts, CancellationToken cancellationToken)
    {
        if (prompts.Count > MaxLinks)
        {
            throw MLflowException.Invalid($"Cannot link more than {MaxLinks} prompt versions to a trace in a single request. Provided {prompts.Count}.");
        }

        var trace = await RequireAsync(scope, id, cancellationToken);
        await ExecuteAsync(
            """
            INSERT INTO trace_prompts (project_id, trace_id, name, version) SELECT @project, @Id, name, version FROM unnest(@names, @versions) AS sent (name, version)
            ON CONFLICT DO NOTHING
            """,
            new { project = scope.ProjectId, trace.Id, names = prompts.Select(static prompt => prompt.Name).ToArray(), versions = prompts.Select(static prompt => prompt.Version).ToArray() },
            cancellationToken);
    }

    /// <summary>The active experiment that a trace is to be in; for a job that of its own run.</summary>
    public async Task<ExperimentRow> RequireExperimentAsync(TraceScope scope, Caller caller, string experimentId, CancellationToken cancellationToken)
    {
        var experiment = await experiments.RequireActiveAsync(scope.ProjectId, experimentId, cancellationToken);
        return caller.RunId is { } run && (await runs.RequireAsync(run, caller, cancellationToken)).ExperimentId != experiment.Id
            ? throw MLflowException.Missing($"No Experiment with id={experimentId} exists")
            : experiment;
    }

    /// <summary>There is no such trace for the caller.</summary>
    public static MLflowException Missing(string id) => MLflowException.Missing($"Trace with ID '{id}' not found.");

    /// <summary>Somebody else's trace has the id.</summary>
    public static MLflowException Foreign(string id) => MLflowException.Exists($"Trace with ID '{id}' belongs to somebody else.");

    // The assignments are constants.
    private Task ChangeAsync(string id, string assignments, object parameters, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work => CheckEntries(
                await work.FindAsync<int?>(
                    $"""
                    UPDATE traces t SET {assignments}, updated_at = @now WHERE {TraceScope.Sql} AND t.id = @id
                    RETURNING greatest((SELECT count(*) FROM jsonb_object_keys(t.tags)), (SELECT count(*) FROM jsonb_object_keys(t.metadata)))::integer
                    """,
                    parameters)
                ?? throw Missing(id)),
            cancellationToken);

    private static void CheckEntries(int entries)
    {
        if (entries > TraceInfo.MaxEntries)
        {
            throw MLflowException.Invalid($"A trace can have at most {TraceInfo.MaxEntries} tags and as many entries of metadata.");
        }
    }

    private async Task<int> ExecuteAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }
}
