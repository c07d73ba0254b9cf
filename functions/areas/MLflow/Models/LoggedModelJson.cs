using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Tracking.LoggedModels;

namespace AiPlatform.MLflow.Models;

/// <summary>Logged models as MLflow's clients read them.</summary>
internal static class LoggedModelJson
{
    /// <summary>Writes a model as clients read it.</summary>
    public static void Write(Utf8JsonWriter json, LoggedModelRow model, IEnumerable<LoggedModelMetricRow> metrics)
    {
        json.WriteStartObject();
        json.WriteStartObject("info"u8);
        json.WriteString("model_id"u8, model.Id);
        json.WriteString("experiment_id"u8, model.ExperimentId);
        json.WriteString("name"u8, model.Name);
        json.WriteNumber("creation_timestamp_ms"u8, model.CreatedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("last_updated_timestamp_ms"u8, model.UpdatedAt.ToUnixTimeMilliseconds());
        json.WriteString("artifact_uri"u8, model.ArtifactUri);
        json.WriteString("status"u8, model.Status);
        MLflowJson.Optional(json, "model_type"u8, model.ModelType);
        MLflowJson.Optional(json, "source_run_id"u8, model.RunId ?? model.ForeignRunId);
        MLflowJson.Optional(json, "status_message"u8, model.StatusMessage);
        RunJson.Pairs(json, "tags", JsonTags.Read(model.Tags));
        json.WriteEndObject();
        json.WriteStartObject("data"u8);
        RunJson.Pairs(json, "params", JsonTags.Read(model.Params));
        json.WriteStartArray("metrics"u8);
        foreach (var metric in metrics)
        {
            json.WriteStartObject();
            json.WriteString("key"u8, metric.Key);
            RunJson.Number(json, metric.Value);
            json.WriteNumber("timestamp"u8, metric.At.ToUnixTimeMilliseconds());
            json.WriteNumber("step"u8, metric.Step);
            json.WriteString("model_id"u8, metric.ModelId);
            json.WriteString("run_id"u8, metric.RunId);
            json.WriteString("dataset_name"u8, metric.DatasetName);
            json.WriteString("dataset_digest"u8, metric.DatasetDigest);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
