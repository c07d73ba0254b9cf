using System.Text.Json;
using AiPlatform.Functions.Features.Experiments.Metrics;
using AiPlatform.Functions.MLflow.Artifacts;
using AiPlatform.Functions.MLflow.Http;

namespace AiPlatform.Functions.MLflow.Tracking;

/// <summary>A run with everything that clients show, and how it is written for them.</summary>
internal sealed class RunDocument
{
    private byte[]? _json;

    public required string Id { get; init; }

    public required string ExperimentId { get; init; }

    public required string Name { get; init; }

    public string? UserName { get; init; }

    /// <summary>In MLflow's spelling: RUNNING, SCHEDULED, FINISHED, FAILED, KILLED.</summary>
    public required string Status { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public bool Deleted { get; init; }

    /// <summary>Newest values, ordered by key.</summary>
    public IReadOnlyList<LatestMetric> Metrics { get; set; } = [];

    public List<KeyValuePair<string, string>> Params { get; } = [];

    public List<KeyValuePair<string, string>> Tags { get; } = [];

    public List<InputRow> Inputs { get; } = [];

    public List<(string ModelId, string Direction, long Step)> Models { get; } = [];

    /// <summary>The experiment's location where clients write artifacts themselves; null for the proxy below the tracking URI.</summary>
    public string? ArtifactLocation { get; init; }

    /// <summary>Where clients find a run's artifacts.</summary>
    public static string Artifacts(string? location, string experimentId, string runId)
        => LocationUri.Below(location ?? $"mlflow-artifacts:/{experimentId}", $"{runId}/artifacts");

    /// <summary>How much memory the document takes, in entries.</summary>
    public int Weight => 8 + Metrics.Count + Params.Count + Tags.Count + (2 * Inputs.Count) + Models.Count;

    /// <summary>The same run with other metrics.</summary>
    public RunDocument With(IReadOnlyList<LatestMetric> metrics)
    {
        var copy = (RunDocument)MemberwiseClone();
        copy._json = null;
        copy.Metrics = metrics;
        return copy;
    }

    /// <summary>Writes the run as an object. It is made once: whoever keeps runs writes them again and again.</summary>
    public void WriteKept(Utf8JsonWriter writer) => writer.WriteRawValue(_json ??= MLflowJson.Serialize(Write), skipInputValidation: true);

    /// <summary>Writes the run's properties.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WritePropertyName("info"u8);
        WriteInfo(writer);
        writer.WriteStartObject("data"u8);
        writer.WriteStartArray("metrics"u8);
        foreach (var metric in Metrics)
        {
            writer.WriteStartObject();
            writer.WriteString("key"u8, metric.Key);
            Number(writer, metric.Value);
            writer.WriteNumber("timestamp"u8, metric.At / 1_000);
            writer.WriteNumber("step"u8, metric.Step);
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
            MLflowJson.Optional(writer, "schema"u8, input.Schema);
            MLflowJson.Optional(writer, "profile"u8, input.Profile);
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
