using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Artifacts;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Registry;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.GraphQL;

/// <summary>
/// <c>/graphql</c>, which MLflow's page asks: the same requests as in REST, of whose answers the selected fields are given out, in camel
/// case, with 64-bit numbers as texts.
/// </summary>
internal sealed class GraphQLApi(ExperimentApi experiments, RunApi runs, RunSearchApi search, HistoryApi history, ArtifactApi artifacts, ModelVersionApi versions)
{
    private static readonly HashSet<string> Longs = new(StringComparer.Ordinal)
    {
        "timestamp", "step", "file_size", "start_time", "end_time", "creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp",
    };

    /// <summary>Answers <c>{"data", "errors"}</c>.</summary>
    public async Task QueryAsync(MLflowCall call)
    {
        JsonObject? data = null;
        var errors = new List<string>();
        try
        {
            var variables = call.Object("variables") is { } given ? JsonObject.Create(given.Body)! : [];
            var fields = GraphQLParser.Parse(call.RequiredText("query"), call.Text("operationName") is { Length: > 0 } name ? name : null, variables);
            data = [];
            foreach (var field in fields)
            {
                data[field.Key] = await RootAsync(call, field, errors);
            }
        }
        catch (GraphQLException exception)
        {
            data = null;
            errors.Add(exception.Message);
        }

        var answer = new JsonObject { ["data"] = data, ["errors"] = errors.Count == 0 ? null : new JsonArray([.. errors.Select(static error => (JsonNode)error)]) };
        await call.WriteAsync(json =>
        {
            foreach (var (name, value) in answer)
            {
                json.WritePropertyName(name);
                if (value is null)
                {
                    json.WriteNullValue();
                }
                else
                {
                    value.WriteTo(json);
                }
            }
        });
    }

    private async Task<JsonNode?> RootAsync(MLflowCall call, GraphQLField field, List<string> errors)
    {
        if (field.Name is "test" or "testMutation")
        {
            return await ProjectAsync(call, new JsonObject { ["output"] = field.Arguments["inputString"]?.DeepClone() }, field.Selections);
        }

        Func<MLflowCall, Task> handle = field.Name switch
        {
            "mlflowGetExperiment" => experiments.GetAsync,
            "mlflowGetRun" => runs.GetAsync,
            "mlflowSearchRuns" => search.SearchAsync,
            "mlflowSearchDatasets" => experiments.SearchDatasetsAsync,
            "mlflowGetMetricHistoryBulkInterval" => history.BulkIntervalAsync,
            "mlflowListArtifacts" => artifacts.ListAsync,
            "mlflowSearchModelVersions" => versions.SearchAsync,
            _ => throw new GraphQLException($"Cannot query field '{field.Name}'."),
        };
        try
        {
            return await ProjectAsync(call, await AskAsync(call, handle, (field.Arguments["input"] as JsonObject) ?? []), field.Selections);
        }
        catch (MLflowException exception)
        {
            errors.Add(exception.Message);
            return null;
        }
    }

    // As the request itself, with an answer of its own.
    private static async Task<JsonNode?> AskAsync(MLflowCall call, Func<MLflowCall, Task> handle, JsonObject input)
    {
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { RequestAborted = call.Token, RequestServices = call.Context.RequestServices };
        context.Features.Set(call.Caller);
        context.Features.Set(call.Context.Features.Get<NamedProject>());
        context.Response.Body = body;
        await handle(new MLflowCall(context, JsonSerializer.SerializeToElement(Snake(input)), call.ProjectId));
        return JsonNode.Parse(body.ToArray());
    }

    private async Task<JsonNode?> ProjectAsync(MLflowCall call, JsonNode? value, IReadOnlyList<GraphQLField> selections)
    {
        switch (value)
        {
            case JsonArray list:
                var items = new JsonArray();
                foreach (var item in list)
                {
                    items.Add(await ProjectAsync(call, item, selections));
                }

                return items;
            case JsonObject source when selections.Count > 0:
                var result = new JsonObject();
                foreach (var field in selections)
                {
                    result[field.Key] = await FieldAsync(call, source, field);
                }

                return result;
            default:
                return value?.DeepClone();
        }
    }

    private async Task<JsonNode?> FieldAsync(MLflowCall call, JsonObject source, GraphQLField field)
    {
        var name = Snake(field.Name);
        if (source["info"] is JsonObject info && name == "experiment")
        {
            var found = await AskAsync(call, experiments.GetAsync, new JsonObject { ["experiment_id"] = info["experiment_id"]?.DeepClone() });
            return await ProjectAsync(call, found?["experiment"], field.Selections);
        }

        if (source["info"] is JsonObject run && name == "model_versions")
        {
            var found = await AskAsync(call, versions.SearchAsync, new JsonObject { ["filter"] = $"run_id = '{run["run_id"]}'" });
            return await ProjectAsync(call, found?["model_versions"], field.Selections);
        }

        return name switch
        {
            "value" when source[name] is JsonValue text && text.GetValueKind() == JsonValueKind.String && text.GetValue<string>() is "NaN" or "Infinity" or "-Infinity" => null,
            "file_size" when source[name] is null => "0",
            "context" when source[name] is null => string.Empty,
            _ when Longs.Contains(name) && source[name] is JsonValue number && number.GetValueKind() == JsonValueKind.Number => number.ToJsonString(),
            _ => await ProjectAsync(call, source[name], field.Selections),
        };
    }

    private static JsonNode? Snake(JsonNode? value) => value switch
    {
        JsonObject source => new JsonObject(source.Select(static pair => KeyValuePair.Create(Snake(pair.Key), Snake(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Snake)]),
        _ => value?.DeepClone(),
    };

    // runId → run_id
    private static string Snake(string name)
    {
        var result = new StringBuilder(name.Length + 4);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c) && result.Length > 0)
            {
                result.Append('_');
            }

            result.Append(char.ToLowerInvariant(c));
        }

        return result.ToString();
    }
}
