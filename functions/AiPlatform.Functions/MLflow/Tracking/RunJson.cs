using System.Data.Common;
using System.Text.Json;
using AiPlatform.Functions.Infrastructure;
using Npgsql;

namespace AiPlatform.Functions.MLflow.Tracking;

/// <summary>A run with everything that clients show, and how it is written for them.</summary>
internal sealed class RunDocument
{
    public required string Id { get; init; }

    public required string ExperimentId { get; init; }

    public required string Name { get; init; }

    public string? UserName { get; init; }

    /// <summary>In MLflow's spelling: RUNNING, SCHEDULED, FINISHED, FAILED, KILLED.</summary>
    public required string Status { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public bool Deleted { get; init; }

    public List<(string Key, double Value, long At, long Step)> Metrics { get; } = [];

    public List<KeyValuePair<string, string>> Params { get; } = [];

    public List<KeyValuePair<string, string>> Tags { get; } = [];

    public List<InputRow> Inputs { get; } = [];

    public List<(string ModelId, string Direction, long Step)> Models { get; } = [];

    /// <summary>The experiment's location where clients write artifacts themselves; null for the proxy below the tracking URI.</summary>
    public string? ArtifactLocation { get; init; }

    /// <summary>Where clients find a run's artifacts.</summary>
    public static string Artifacts(string? location, string experimentId, string runId) => $"{location ?? $"mlflow-artifacts:/{experimentId}"}/{runId}/artifacts";

    public void Write(Utf8JsonWriter writer)
    {
        writer.WritePropertyName("info"u8);
        WriteInfo(writer);
        writer.WriteStartObject("data"u8);
        writer.WriteStartArray("metrics"u8);
        foreach (var (key, value, at, step) in Metrics)
        {
            writer.WriteStartObject();
            writer.WriteString("key"u8, key);
            Number(writer, value);
            writer.WriteNumber("timestamp"u8, at);
            writer.WriteNumber("step"u8, step);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        Pairs(writer, "params", Params);
        Pairs(writer, "tags", Tags);
        writer.WriteEndObject();
        WriteInputs(writer);
    }

    public void WriteInfo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("run_id"u8, Id);
        writer.WriteString("run_uuid"u8, Id);
        writer.WriteString("run_name"u8, Name);
        writer.WriteString("experiment_id"u8, ExperimentId);
        writer.WriteString("user_id"u8, UserName ?? string.Empty);
        writer.WriteString("status"u8, Status);
        if (StartedAt is { } start)
        {
            writer.WriteNumber("start_time"u8, start.ToUnixTimeMilliseconds());
        }

        if (EndedAt is { } end)
        {
            writer.WriteNumber("end_time"u8, end.ToUnixTimeMilliseconds());
        }

        writer.WriteString("artifact_uri"u8, Artifacts(ArtifactLocation, ExperimentId, Id));
        writer.WriteString("lifecycle_stage"u8, Deleted ? "deleted"u8 : "active"u8);
        writer.WriteEndObject();
    }

    /// <summary>Writes the property <c>value</c>; what JSON has no number for is a text.</summary>
    public static void Number(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumber("value"u8, value);
        }
        else
        {
            writer.WriteString("value"u8, double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8);
        }
    }

    /// <summary>Writes a list of key and value.</summary>
    public static void Pairs(Utf8JsonWriter writer, string name, IEnumerable<KeyValuePair<string, string>> pairs)
    {
        writer.WriteStartArray(name);
        foreach (var (key, value) in pairs)
        {
            writer.WriteStartObject();
            writer.WriteString("key"u8, key);
            writer.WriteString("value"u8, value);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WriteInputs(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("inputs"u8);
        writer.WriteStartArray("dataset_inputs"u8);
        foreach (var input in Inputs)
        {
            writer.WriteStartObject();
            Pairs(writer, "tags", JsonTags.Read(input.Tags));
            writer.WriteStartObject("dataset"u8);
            writer.WriteString("name"u8, input.Name);
            writer.WriteString("digest"u8, input.Digest);
            writer.WriteString("source_type"u8, input.SourceType);
            writer.WriteString("source"u8, input.Source);
            writer.WriteString("schema"u8, input.Schema);
            writer.WriteString("profile"u8, input.Profile);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteModels(writer, "model_inputs", "input");
        writer.WriteEndObject();
        writer.WriteStartObject("outputs"u8);
        WriteModels(writer, "model_outputs", "output");
        writer.WriteEndObject();
    }

    private void WriteModels(Utf8JsonWriter writer, string name, string direction)
    {
        writer.WriteStartArray(name);
        foreach (var model in Models.Where(model => model.Direction == direction))
        {
            writer.WriteStartObject();
            writer.WriteString("model_id"u8, model.ModelId);
            if (direction == "output")
            {
                writer.WriteNumber("step"u8, model.Step);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}

/// <summary>A data set that went into a run.</summary>
internal sealed record InputRow(string Name, string Digest, string SourceType, string Source, string? Schema, string? Profile, string Tags);

/// <summary>Tags in a jsonb object.</summary>
internal static class JsonTags
{
    public static IReadOnlyDictionary<string, string> Read(string json) => JsonSerializer.Deserialize<SortedDictionary<string, string>>(json)!;

    public static string Write(IEnumerable<KeyValuePair<string, string>> tags)
    {
        var last = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in tags)
        {
            last[key] = value;
        }

        return JsonSerializer.Serialize(last);
    }
}

/// <summary>Reads run documents.</summary>
internal static class RunDocuments
{
    public const string Columns = "r.id, CASE WHEN e.is_default THEN '0' ELSE r.experiment_id END, r.name, r.user_name, upper(r.status), r.started_at, r.ended_at, r.deleted_at IS NOT NULL, e.artifact_location";

    /// <summary>A document from a row that begins with <see cref="Columns"/>.</summary>
    public static RunDocument Of(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        ExperimentId = row.GetString(1),
        Name = row.GetString(2),
        UserName = row.IsDBNull(3) ? null : row.GetString(3),
        Status = row.GetString(4),
        StartedAt = row.IsDBNull(5) ? null : row.GetFieldValue<DateTimeOffset>(5),
        EndedAt = row.IsDBNull(6) ? null : row.GetFieldValue<DateTimeOffset>(6),
        Deleted = row.GetBoolean(7),
        ArtifactLocation = row.IsDBNull(8) ? null : row.GetString(8),
    };

    /// <summary>Adds metrics, params, tags, inputs and models, in one round trip for all runs.</summary>
    public static async Task CompleteAsync(NpgsqlConnection connection, IReadOnlyList<RunDocument> runs, CancellationToken cancellationToken)
    {
        var byId = runs.ToDictionary(run => run.Id, StringComparer.Ordinal);
        await using var batch = new NpgsqlBatch(connection);
        var ids = byId.Keys.ToArray();
        Add("SELECT run_id, key, last_value, (extract(epoch FROM last_at) * 1000)::bigint, last_step FROM metric_summaries WHERE run_id = ANY($1) ORDER BY run_id, key");
        Add("SELECT run_id, key, value FROM run_params WHERE run_id = ANY($1) ORDER BY run_id, key");
        Add("SELECT run_id, key, value FROM run_tags WHERE run_id = ANY($1) ORDER BY run_id, key");
        Add("SELECT run_id, name, digest, source_type, source, schema, profile, tags::text FROM run_inputs WHERE run_id = ANY($1) ORDER BY run_id, created_at, name, digest");
        Add("SELECT run_id, model_id, direction, coalesce(step, 0) FROM run_models WHERE run_id = ANY($1) ORDER BY run_id, model_id");
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await ReadAsync(row => byId[row.GetString(0)].Metrics.Add((row.GetString(1), row.GetDouble(2), row.GetInt64(3), row.GetInt64(4))));
        await ReadAsync(row => byId[row.GetString(0)].Params.Add(new(row.GetString(1), row.GetString(2))));
        await ReadAsync(row => byId[row.GetString(0)].Tags.Add(new(row.GetString(1), row.GetString(2))));
        await ReadAsync(row => byId[row.GetString(0)].Inputs.Add(
            new InputRow(row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), Text(row, 5), Text(row, 6), row.GetString(7))));
        await ReadAsync(row => byId[row.GetString(0)].Models.Add((row.GetString(1), row.GetString(2), row.GetInt64(3))));

        void Add(string sql) => batch.BatchCommands.Add(new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = ids } } });

        async Task ReadAsync(Action<NpgsqlDataReader> read)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                read(reader);
            }

            await reader.NextResultAsync(cancellationToken);
        }
    }

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
