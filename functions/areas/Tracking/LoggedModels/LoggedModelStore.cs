using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using Dapper;

namespace AiPlatform.Tracking.LoggedModels;

/// <summary>A row of <c>logged_models</c>.</summary>
internal sealed class LoggedModelRow
{
    public const string Columns = """
        m.id, m.project_id, e.mlflow_id AS experiment_id, m.run_id, m.foreign_run_id, m.name, m.model_type, m.status, m.status_message,
        m.params::text AS params, m.tags::text AS tags, m.created_by, m.created_at, m.updated_at
        """;

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    /// <summary>As clients know it.</summary>
    public required string ExperimentId { get; init; }

    public string? RunId { get; init; }

    /// <summary>A run that is not known here.</summary>
    public string? ForeignRunId { get; init; }

    public required string Name { get; init; }

    public string? ModelType { get; init; }

    /// <summary>In MLflow's spelling.</summary>
    public required string Status { get; init; }

    public string? StatusMessage { get; init; }

    public required string Params { get; init; }

    public required string Tags { get; init; }

    public string? CreatedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public string ArtifactUri => $"mlflow-artifacts:/{ExperimentId}/models/{Id}/artifacts";
}

/// <summary>One metric of a logged model.</summary>
internal sealed record LoggedModelMetricRow
{
    public required string ModelId { get; init; }

    public required string RunId { get; init; }

    public required string Key { get; init; }

    public required string DatasetName { get; init; }

    public required string DatasetDigest { get; init; }

    public double Value { get; init; }

    public long Step { get; init; }

    public DateTimeOffset At { get; init; }
}

/// <summary>Logged models of MLflow 3: models as outputs of their own, with params, tags and metrics.</summary>
internal sealed class LoggedModelStore(Database database, TimeProvider time)
{
    private const string VersionsTag = "mlflow.modelVersions";

    /// <summary>A model that the caller reaches.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<LoggedModelRow> RequireAsync(string id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<LoggedModelRow>(new CommandDefinition(
                $"""
                SELECT {LoggedModelRow.Columns} FROM logged_models m JOIN experiments e ON e.id = m.experiment_id
                WHERE m.id = @id AND m.deleted_at IS NULL AND {ProjectAccess.ReachesOr("m.project_id", "m.run_id = @run")}
                """,
                new { id, owner = caller.OwnerFilter, run = caller.RunId },
                cancellationToken: cancellationToken))
            ?? throw MLflowException.Missing($"Logged model with ID '{id}' not found.");
    }

    /// <summary>Adds a model that is not ready yet.</summary>
    public async Task InsertAsync(NewLoggedModel model, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO logged_models (id, project_id, experiment_id, run_id, foreign_run_id, name, model_type, status, params, tags, created_by, created_at, updated_at)
            VALUES (@Id, @ProjectId, @ExperimentId, @RunId, @ForeignRunId, @Name, @Type, 'LOGGED_MODEL_PENDING', @Params::jsonb, @Tags::jsonb, @CreatedBy, @now, @now)
            """,
            new
            {
                model.Id,
                model.ProjectId,
                model.ExperimentId,
                model.RunId,
                model.ForeignRunId,
                model.Name,
                model.Type,
                model.Params,
                model.Tags,
                model.CreatedBy,
                now = time.GetUtcNow(),
            },
            cancellationToken: cancellationToken));
    }

    /// <summary>Says whether a model is ready.</summary>
    public Task SetStatusAsync(string id, string status, CancellationToken cancellationToken)
        => ChangeAsync(id, "status = @status", new { status }, string.Empty, cancellationToken);

    /// <summary>Deletes a model.</summary>
    public Task DeleteAsync(string id, CancellationToken cancellationToken) => ChangeAsync(id, "deleted_at = @now", new { }, string.Empty, cancellationToken);

    /// <summary>Sets tags.</summary>
    /// <param name="tags">As a JSON object.</param>
    public Task SetTagsAsync(string id, string tags, CancellationToken cancellationToken)
        => ChangeAsync(id, "tags = tags || @tags::jsonb", new { tags }, string.Empty, cancellationToken);

    /// <summary>Removes a tag; false when there is none.</summary>
    public Task<bool> DeleteTagAsync(string id, string key, CancellationToken cancellationToken)
        => ChangeAsync(id, "tags = tags - @key", new { key }, " AND jsonb_exists(tags, @key)", cancellationToken);

    /// <summary>Adds params; what is there already stays.</summary>
    /// <param name="parameters">As a JSON object.</param>
    public Task AddParamsAsync(string id, string parameters, CancellationToken cancellationToken)
        => ChangeAsync(id, "params = @parameters::jsonb || params", new { parameters }, string.Empty, cancellationToken);

    /// <summary>Metrics of models.</summary>
    public async Task<ILookup<string, LoggedModelMetricRow>> MetricsAsync(string[] models, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<LoggedModelMetricRow>(new CommandDefinition(
            "SELECT * FROM logged_model_metrics WHERE model_id = ANY(@models) ORDER BY model_id, key, run_id, dataset_name", new { models }, cancellationToken: cancellationToken)))
            .ToLookup(row => row.ModelId, StringComparer.Ordinal);
    }

    /// <summary>Keeps the newest value of each metric of models of the run's project.</summary>
    public async Task LogMetricsAsync(KnownRun run, IReadOnlyList<ModelMetric> metrics, CancellationToken cancellationToken)
    {
        var newest = metrics.GroupBy(metric => (metric.ModelId, metric.Point.Key, metric.DatasetName, metric.DatasetDigest))
            .Select(group => group.OrderBy(metric => metric.Point.Step).ThenBy(metric => metric.Point.At).Last())
            .Select(metric => new
            {
                model = metric.ModelId,
                run = run.Id,
                project = run.ProjectId,
                metric.Point.Key,
                name = metric.DatasetName,
                digest = metric.DatasetDigest,
                metric.Point.Value,
                metric.Point.Step,
                at = MetricRow.Time(metric.Point.At),
            }).ToList();
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO logged_model_metrics AS m (model_id, run_id, key, dataset_name, dataset_digest, value, step, at)
            SELECT id, @run, @Key, @name, @digest, @Value, @Step, @at FROM logged_models WHERE id = @model AND project_id = @project
            ON CONFLICT (model_id, key, run_id, dataset_name, dataset_digest) DO UPDATE SET value = excluded.value, step = excluded.step, at = excluded.at
            WHERE (excluded.step, excluded.at) >= (m.step, m.at)
            """,
            newest,
            cancellationToken: cancellationToken));
    }

    /// <summary>Adds a version of a registered model to the tag in which MLflow keeps what became of a logged model.</summary>
    public static async Task NameVersionAsync(UnitOfWork work, string id, string name, int version, DateTimeOffset now)
    {
        var tag = await work.FindAsync<string?>("SELECT tags ->> @VersionsTag FROM logged_models WHERE id = @id FOR NO KEY UPDATE", new { id, VersionsTag });
        var versions = Versions(tag);
        if (!versions.Any(known => known is JsonObject entry && $"{entry["name"]}" == name && $"{entry["version"]}" == $"{version}"))
        {
            versions.Add(new JsonObject { ["name"] = name, ["version"] = version });
            await work.ExecuteAsync(
                "UPDATE logged_models SET tags = tags || jsonb_build_object(@VersionsTag, @value::text), updated_at = @now WHERE id = @id",
                new { id, VersionsTag, value = Text(versions), now });
        }
    }

    // Spaced as Python writes JSON: clients compare the tag as a text.
    private static string Text(JsonArray versions)
        => $"[{string.Join(", ", versions.Select(static version => version is JsonObject entry ? $"{{{string.Join(", ", entry.Select(Pair))}}}" : version?.ToJsonString() ?? "null"))}]";

    private static string Pair(KeyValuePair<string, JsonNode?> pair) => $"{JsonSerializer.Serialize(pair.Key)}: {pair.Value?.ToJsonString() ?? "null"}";

    // People may write into the tag what they like.
    private static JsonArray Versions(string? tag)
    {
        try
        {
            return tag is null ? [] : JsonNode.Parse(tag) as JsonArray ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    // Assignment and condition are constants of this class. Answers whether anything changed.
    private async Task<bool> ChangeAsync(string id, string assignment, object values, string condition, CancellationToken cancellationToken)
    {
        var parameters = new DynamicParameters(values);
        parameters.Add("id", id);
        parameters.Add("now", time.GetUtcNow());
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            $"UPDATE logged_models SET {assignment}, updated_at = @now WHERE id = @id{condition}", parameters, cancellationToken: cancellationToken)) > 0;
    }
}

/// <summary>A logged model that a client makes. Params and tags are JSON objects.</summary>
internal sealed record NewLoggedModel(
    string Id, string ProjectId, string ExperimentId, string? RunId, string? ForeignRunId, string Name, string? Type, string Params, string Tags, string CreatedBy);
