using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Runs;

/// <summary>What 2.x clients log as models: a list in the run's tag <c>mlflow.log-model.history</c>.</summary>
internal sealed class ModelHistory(Database database)
{
    private const string Tag = "mlflow.log-model.history";
    private static readonly string[] Mandatory = ["artifact_path", "flavors", "utc_time_created", "run_id"];

    // The rest of a model's description is in its MLmodel file.
    private static readonly string[] Kept = [.. Mandatory, "model_uuid", "mlflow_version", "model_size_bytes"];

    /// <summary>Adds a model to the list.</summary>
    /// <param name="json">The model as <c>MLmodel</c> describes it.</param>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE: it is no JSON, lacks a field, or the list becomes too long.</exception>
    public Task AddAsync(string runId, string json, CancellationToken cancellationToken)
    {
        var model = Read(json);
        return database.InWorkAsync(
            async work =>
            {
                // The run's row orders those that log at the same time.
                await work.ExecuteAsync("SELECT 1 FROM runs WHERE id = @runId FOR NO KEY UPDATE", new { runId });
                var old = await work.FindAsync<string>("SELECT value FROM run_tags WHERE run_id = @runId AND key = @Tag", new { runId, Tag });
                var list = old is null ? [] : List(old);
                list.Add(model.DeepClone());
                var value = Names.Value(list.ToJsonString(), "tag", Tag, Names.MaxTag);
                await work.ExecuteAsync(
                    "INSERT INTO run_tags (run_id, key, value) VALUES (@runId, @Tag, @value) ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value", new { runId, Tag, value });
            },
            cancellationToken);
    }

    private static JsonObject Read(string json)
    {
        JsonObject model;
        try
        {
            model = JsonNode.Parse(json) as JsonObject ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw MLflowException.Invalid($"Malformed model info. \n {json} \n is not a valid JSON.");
        }

        var missing = Mandatory.Where(field => !model.ContainsKey(field)).ToList();
        if (missing.Count > 0)
        {
            throw MLflowException.Invalid($"Model json is missing mandatory fields: ['{string.Join("', '", missing)}']");
        }

        return new JsonObject(model.Where(field => Kept.Contains(field.Key)).Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())));
    }

    // Users may have written anything into the tag.
    private static JsonArray List(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonArray ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
