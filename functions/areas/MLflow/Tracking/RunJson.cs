using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Tracking.Search.Index;

namespace AiPlatform.MLflow.Tracking;

/// <summary>Runs as MLflow's clients read them.</summary>
internal static class RunJson
{
    /// <summary>Writes the run as an object. It is made once: whoever keeps runs writes them again and again.</summary>
    public static void WriteKept(this RunDocument run, Utf8JsonWriter writer)
        => writer.WriteRawValue(run.Written(static kept => MLflowJson.Serialize(kept.Write)), skipInputValidation: true);

    /// <summary>Writes the run's properties.</summary>
    public static void Write(this RunDocument run, Utf8JsonWriter writer)
    {
        writer.WritePropertyName("info"u8);
        run.WriteInfo(writer);
        writer.WriteStartObject("data"u8);
        writer.WriteStartArray("metrics"u8);
        foreach (var metric in run.Metrics)
        {
            writer.WriteStartObject();
            writer.WriteString("key"u8, metric.Key);
            Number(writer, metric.Value);
            writer.WriteNumber("timestamp"u8, metric.At / 1_000);
            writer.WriteNumber("step"u8, metric.Step);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        Pairs(writer, "params", run.Params);
        Pairs(writer, "tags", run.Tags);
        writer.WriteEndObject();
        WriteInputs(run, writer);
    }

    public static void WriteInfo(this RunDocument run, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("run_id"u8, run.Id);
        writer.WriteString("run_uuid"u8, run.Id);
        writer.WriteString("run_name"u8, run.Name);
        writer.WriteString("experiment_id"u8, run.ExperimentId);
        writer.WriteString("user_id"u8, run.UserName ?? string.Empty);
        writer.WriteString("status"u8, run.Status);
        if (run.StartedAt is { } start)
        {
            writer.WriteNumber("start_time"u8, start.ToUnixTimeMilliseconds());
        }

        if (run.EndedAt is { } end)
        {
            writer.WriteNumber("end_time"u8, end.ToUnixTimeMilliseconds());
        }

        writer.WriteString("artifact_uri"u8, RunDocument.Artifacts(run.ArtifactLocation, run.ExperimentId, run.Id));
        writer.WriteString("lifecycle_stage"u8, run.Deleted ? "deleted"u8 : "active"u8);
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

    private static void WriteInputs(RunDocument run, Utf8JsonWriter writer)
    {
        writer.WriteStartObject("inputs"u8);
        writer.WriteStartArray("dataset_inputs"u8);
        foreach (var input in run.Inputs)
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
        WriteModels(run, writer, "model_inputs", "input");
        writer.WriteEndObject();
        writer.WriteStartObject("outputs"u8);
        WriteModels(run, writer, "model_outputs", "output");
        writer.WriteEndObject();
    }

    private static void WriteModels(RunDocument run, Utf8JsonWriter writer, string name, string direction)
    {
        writer.WriteStartArray(name);
        foreach (var model in run.Models.Where(model => model.Direction == direction))
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
