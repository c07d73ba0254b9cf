using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Evaluation;

/// <summary>Scorers of MLflow 3 clients.</summary>
internal sealed class ScorerApi(ScorerStore store, ExperimentDirectory experiments)
{
    private const int MaxName = 250;
    private const int MaxSerialized = 1_000_000;

    /// <summary><c>POST scorers/register</c>.</summary>
    public async Task RegisterAsync(MLflowCall call)
    {
        var experiment = await ExperimentAsync(call);
        var row = await store.RegisterAsync(
            experiment,
            call.ProjectId,
            Names.Value(call.RequiredText("name"), "scorer name", "name", MaxName),
            Names.Value(call.RequiredText("serialized_scorer"), "serialized scorer", "serialized_scorer", MaxSerialized),
            call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteNumber("version"u8, row.Version);
            json.WriteString("scorer_id"u8, row.ScorerId);
            json.WriteString("experiment_id"u8, experiment.PublicId);
            json.WriteString("name"u8, row.Name);
            json.WriteString("serialized_scorer"u8, row.Serialized);
            json.WriteNumber("creation_time"u8, row.CreatedAt.ToUnixTimeMilliseconds());
        });
    }

    /// <summary><c>GET scorers/list</c>.</summary>
    public async Task ListAsync(MLflowCall call)
    {
        var experiment = await ExperimentAsync(call);
        await WriteAsync(call, experiment, await store.ListAsync(experiment, call.Token));
    }

    /// <summary><c>GET scorers/versions</c>.</summary>
    public async Task VersionsAsync(MLflowCall call)
    {
        var experiment = await ExperimentAsync(call);
        await WriteAsync(call, experiment, await store.VersionsAsync(experiment, call.RequiredText("name"), call.Token));
    }

    /// <summary><c>GET scorers/get</c>.</summary>
    public async Task GetAsync(MLflowCall call)
    {
        var experiment = await ExperimentAsync(call);
        var row = await store.RequireAsync(experiment, call.RequiredText("name"), call.Number("version"), call.Token);
        await call.WriteAsync(json =>
        {
            json.WritePropertyName("scorer"u8);
            Write(json, experiment, row);
        });
    }

    /// <summary><c>DELETE scorers/delete</c>.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        await store.DeleteAsync(await ExperimentAsync(call), call.RequiredText("name"), call.Number("version"), call.Token);
        await call.EmptyAsync();
    }

    private Task<ExperimentRow> ExperimentAsync(MLflowCall call) => experiments.RequireActiveAsync(call.ProjectId, call.RequiredText("experiment_id"), call.Token);

    private static Task WriteAsync(MLflowCall call, ExperimentRow experiment, IReadOnlyList<ScorerRow> rows) => call.WriteAsync(json =>
    {
        json.WriteStartArray("scorers"u8);
        foreach (var row in rows)
        {
            Write(json, experiment, row);
        }

        json.WriteEndArray();
    });

    private static void Write(Utf8JsonWriter json, ExperimentRow experiment, ScorerRow row)
    {
        json.WriteStartObject();

        // The field is a 32-bit number in this one message; an id that is none would make clients refuse the whole answer.
        if (int.TryParse(experiment.PublicId, out var number))
        {
            json.WriteNumber("experiment_id"u8, number);
        }

        json.WriteString("scorer_name"u8, row.Name);
        json.WriteNumber("scorer_version"u8, row.Version);
        json.WriteString("serialized_scorer"u8, row.Serialized);
        json.WriteNumber("creation_time"u8, row.CreatedAt.ToUnixTimeMilliseconds());
        json.WriteString("scorer_id"u8, row.ScorerId);
        json.WriteEndObject();
    }
}
