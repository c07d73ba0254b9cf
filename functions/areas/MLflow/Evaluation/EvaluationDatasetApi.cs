using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Traces;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;

namespace AiPlatform.MLflow.Evaluation;

/// <summary>Evaluation datasets of MLflow 3 clients.</summary>
internal sealed class EvaluationDatasetApi(EvaluationDatasetStore store, EvaluationRecordStore records)
{
    private const int DefaultResults = 1_000;
    private const int MaxResults = 1_000;
    private const int MaxExperiments = 1_000;
    private const int MaxName = 250;

    /// <summary><c>POST datasets/create</c>.</summary>
    public async Task CreateAsync(MLflowCall call)
    {
        var (tags, _) = Tags(call);
        var id = await store.CreateAsync(
            call.ProjectId,
            Names.Value(call.RequiredText("name"), "dataset name", "name", MaxName),
            tags,
            Experiments(call),
            call.Text("schema"),
            call.Text("profile"),
            call.Token);
        await WriteAsync(call, id);
    }

    /// <summary><c>GET datasets/{dataset}</c>.</summary>
    public Task GetAsync(MLflowCall call) => WriteAsync(call, Id(call));

    /// <summary><c>DELETE datasets/{dataset}</c>: no error when there is none.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        await store.DeleteAsync(call.ProjectId, Id(call), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>datasets/search</c>.</summary>
    public async Task SearchAsync(MLflowCall call)
    {
        var limit = Math.Min(MaxResults, call.MaxResults(DefaultResults, 50_000));
        var offset = Offsets.Read(call.Text("page_token"));
        var rows = await store.SearchAsync(call.ProjectId, Experiments(call), call.Text("filter_string"), call.Texts("order_by"), limit + 1, offset, call.Token);
        var write = await WriterAsync(rows, call.Token);
        await call.WritePageAsync("datasets", rows, limit, offset, write);
    }

    /// <summary><c>PATCH datasets/{dataset}/tags</c>: tags are an object in a text.</summary>
    public async Task SetTagsAsync(MLflowCall call)
    {
        call.RequiredText("tags");
        var (tags, removed) = Tags(call);
        await store.SetTagsAsync(call.ProjectId, Id(call), tags, removed, call.Token);
        await WriteAsync(call, Id(call));
    }

    /// <summary><c>DELETE datasets/{dataset}/tags/{key}</c>.</summary>
    public async Task DeleteTagAsync(MLflowCall call)
    {
        await store.DeleteTagAsync(call.ProjectId, Id(call), (string)call.Context.Request.RouteValues["key"]!, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>GET datasets/{dataset}/experiment-ids</c>.</summary>
    public async Task ExperimentsAsync(MLflowCall call)
    {
        var row = await store.RequireAsync(call.ProjectId, Id(call), call.Token);
        var experiments = await store.ExperimentsAsync([row.Id], call.Token);
        await call.WriteAsync(json => List(json, experiments[row.Id]));
    }

    /// <summary><c>POST datasets/{dataset}/add-experiments</c>.</summary>
    public async Task AddExperimentsAsync(MLflowCall call)
    {
        await store.AddExperimentsAsync(call.ProjectId, Id(call), Experiments(call), call.Token);
        await WriteAsync(call, Id(call));
    }

    /// <summary><c>POST datasets/{dataset}/remove-experiments</c>.</summary>
    public async Task RemoveExperimentsAsync(MLflowCall call)
    {
        await store.RemoveExperimentsAsync(call.ProjectId, Id(call), Experiments(call), call.Token);
        await WriteAsync(call, Id(call));
    }

    /// <summary><c>POST datasets/{dataset}/records</c>: records are a list in a text.</summary>
    public async Task UpsertAsync(MLflowCall call)
    {
        using var sent = AttributeValues.Parse(call.RequiredText("records"));
        var (inserted, updated) = await records.UpsertAsync(call.ProjectId, Id(call), EvaluationRecord.ReadAll(sent), call.Text("updated_by"), call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteNumber("inserted_count"u8, inserted);
            json.WriteNumber("updated_count"u8, updated);
        });
    }

    /// <summary><c>GET datasets/{dataset}/records</c>: a list in a text, a page at a time.</summary>
    public async Task RecordsAsync(MLflowCall call)
    {
        var limit = Math.Min(MaxResults, call.MaxResults(DefaultResults, 50_000));
        var dataset = await store.RequireAsync(call.ProjectId, Id(call), call.Token);
        var (rows, next) = await records.ReadAsync(dataset.Id, limit, call.Text("page_token"), call.Token);
        var list = AttributeValues.Json(json =>
        {
            json.WriteStartArray();
            foreach (var row in rows)
            {
                EvaluationRecord.Write(json, dataset.Id, row);
            }

            json.WriteEndArray();
        });
        await call.WriteAsync(json =>
        {
            json.WriteString("records"u8, list);
            if (next is not null)
            {
                json.WriteString("next_page_token"u8, next);
            }
        });
    }

    private static string Id(MLflowCall call) => (string)call.Context.Request.RouteValues["dataset"]!;

    private static List<string> Experiments(MLflowCall call)
    {
        var ids = call.Texts("experiment_ids").Distinct(StringComparer.Ordinal).ToList();
        return ids.Count <= MaxExperiments ? ids : throw MLflowException.Invalid($"At most {MaxExperiments} experiment_ids are accepted. Got {ids.Count}.");
    }

    // A tag without a value is one to take away.
    private static (IReadOnlyDictionary<string, string> Tags, string[] Removed) Tags(MLflowCall call)
    {
        if (call.Text("tags") is not { Length: > 0 } text)
        {
            return (new Dictionary<string, string>(), []);
        }

        using var document = AttributeValues.Parse(text);
        if (document is not { RootElement.ValueKind: JsonValueKind.Object })
        {
            throw MLflowException.Value("tags", $"'{text}'");
        }

        var entries = document.RootElement.EnumerateObject().ToList();
        return (
            TraceInfo.Checked(
                entries.Where(static entry => entry.Value.ValueKind != JsonValueKind.Null)
                    .Select(static entry => KeyValuePair.Create(entry.Name, entry.Value.ValueKind == JsonValueKind.String ? MLflowCall.AsText(entry.Value, "tags") : entry.Value.GetRawText())),
                "tags"),
            [.. entries.Where(static entry => entry.Value.ValueKind == JsonValueKind.Null).Select(static entry => entry.Name)]);
    }

    private async Task WriteAsync(MLflowCall call, string id)
    {
        var row = await store.RequireAsync(call.ProjectId, id, call.Token);
        var write = await WriterAsync([row], call.Token);
        await call.WriteAsync(json =>
        {
            json.WritePropertyName("dataset"u8);
            write(json, row);
        });
    }

    private async Task<Action<Utf8JsonWriter, EvaluationDatasetRow>> WriterAsync(IReadOnlyCollection<EvaluationDatasetRow> rows, CancellationToken cancellationToken)
    {
        var experiments = await store.ExperimentsAsync([.. rows.Select(static row => row.Id)], cancellationToken);
        return (json, row) =>
        {
            json.WriteStartObject();
            json.WriteString("dataset_id"u8, row.Id);
            json.WriteString("name"u8, row.Name);
            json.WriteString("tags"u8, row.Tags);
            Optional(json, "schema", row.Schema);
            Optional(json, "profile", row.Profile);
            json.WriteString("digest"u8, row.Digest);
            json.WriteNumber("created_time"u8, row.CreatedAt.ToUnixTimeMilliseconds());
            json.WriteNumber("last_update_time"u8, row.UpdatedAt.ToUnixTimeMilliseconds());
            Optional(json, "created_by", row.CreatedBy);
            Optional(json, "last_updated_by", row.UpdatedBy);
            List(json, experiments[row.Id]);
            json.WriteEndObject();
        };
    }

    private static void List(Utf8JsonWriter json, IEnumerable<string> experiments)
    {
        json.WriteStartArray("experiment_ids"u8);
        foreach (var experiment in experiments)
        {
            json.WriteStringValue(experiment);
        }

        json.WriteEndArray();
    }

    private static void Optional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
