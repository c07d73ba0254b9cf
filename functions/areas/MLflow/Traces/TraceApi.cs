using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Assessments;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;

namespace AiPlatform.MLflow.Traces;

/// <summary>Traces of MLflow 3 clients.</summary>
internal sealed class TraceApi(TraceStore store, TraceSearch search, AssessmentStore assessments)
{
    private const int DefaultResults = 100;
    private const int MaxResults = 500;
    private const int MaxIds = 1_000;

    /// <summary><c>POST traces</c>.</summary>
    public async Task StartAsync(MLflowCall call)
    {
        var trace = call.Object("trace") ?? throw MLflowException.Required("trace");
        var info = TraceInfo.Read(trace.Object("trace_info") ?? throw MLflowException.Required("trace_info"));
        await store.StartAsync(TraceScope.Of(call), call.Caller, info, call.Token);
        await WriteAsync(call, info.Id);
    }

    /// <summary><c>GET traces/{id}</c>.</summary>
    public Task GetAsync(MLflowCall call) => WriteAsync(call, Id(call));

    /// <summary><c>GET traces/batchGetInfos</c>: those that are there.</summary>
    public async Task BatchAsync(MLflowCall call)
    {
        var ids = Ids(call, "trace_ids");
        var traces = await store.FindAsync(TraceScope.Of(call), ids, call.Token);
        var write = await WriterAsync(call.ProjectId, traces, call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteStartArray("traces"u8);
            foreach (var trace in traces)
            {
                json.WriteStartObject();
                json.WritePropertyName("trace_info"u8);
                write(json, trace);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    /// <summary><c>POST traces/search</c>.</summary>
    public async Task SearchAsync(MLflowCall call)
    {
        var limit = call.MaxResults(DefaultResults, MaxResults);
        var offset = Offsets.Read(call.Text("page_token"));
        if (!call.Has("locations"))
        {
            throw MLflowException.Required("locations");
        }

        var ids = call.Objects("locations").Select(location => new MLflowCall(call.Context, location, call.ProjectId).Object("mlflow_experiment")?.Text("experiment_id"))
            .OfType<string>().ToList();
        var traces = await search.FindAsync(TraceScope.Of(call), ids, call.Text("filter"), call.Texts("order_by"), limit + 1, offset, call.Token);
        var write = await WriterAsync(call.ProjectId, traces, call.Token);
        await call.WritePageAsync("traces", traces, limit, offset, write);
    }

    /// <summary><c>POST traces/delete-traces</c>.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        var ids = call.Has("request_ids") ? Ids(call, "request_ids") : call.Has("trace_ids") ? Ids(call, "trace_ids") : [];
        var until = call.Number("max_timestamp_millis");
        var most = call.Number("max_traces");
        if (until is null == ids.Length is 0)
        {
            throw MLflowException.Invalid("Either `max_timestamp_millis` or `trace_ids` must be specified, but not both.");
        }

        if (most is not null && (ids.Length > 0 || most < 1))
        {
            throw MLflowException.Invalid(ids.Length > 0
                ? "`max_traces` can't be specified if `trace_ids` is specified."
                : $"`max_traces` must be a positive integer, received {most}.");
        }

        var deleted = await store.DeleteAsync(
            TraceScope.Of(call),
            call.RequiredText("experiment_id"),
            ids.Length == 0 ? null : ids,
            until ?? long.MaxValue,
            (int)Math.Min(most ?? int.MaxValue, int.MaxValue),
            call.Token);
        await call.WriteAsync(json => json.WriteNumber("traces_deleted"u8, deleted));
    }

    /// <summary><c>PATCH traces/{id}/tags</c>.</summary>
    public async Task SetTagAsync(MLflowCall call)
    {
        var key = Names.Key(call.RequiredText("key"), "tag");
        await store.SetTagAsync(TraceScope.Of(call), Id(call), key, TraceTexts.Cut(call.Text("value") ?? string.Empty, Names.MaxTag), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>DELETE traces/{id}/tags</c>: the key is in the body or in the query.</summary>
    public async Task DeleteTagAsync(MLflowCall call)
    {
        var key = call.Text("key") ?? (string?)call.Context.Request.Query["key"] ?? throw MLflowException.Required("key");
        await store.DeleteTagAsync(TraceScope.Of(call), Id(call), key, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>POST traces/link-to-run</c>.</summary>
    public async Task LinkRunAsync(MLflowCall call)
    {
        if (!call.Has("trace_ids"))
        {
            throw MLflowException.Required("trace_ids");
        }

        await store.LinkRunAsync(TraceScope.Of(call), call.Caller, call.Texts("trace_ids"), call.RequiredText("run_id"), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>POST traces/link-prompts</c>.</summary>
    public async Task LinkPromptsAsync(MLflowCall call)
    {
        var prompts = call.Objects("prompt_versions").Select(prompt =>
        {
            var entry = new MLflowCall(call.Context, prompt, call.ProjectId);
            return (
                Names.Value(entry.RequiredText("name"), "prompt name", "name", Names.MaxKey),
                Names.Value(entry.RequiredText("version"), "prompt version", "version", Names.MaxKey));
        }).ToList();
        await store.LinkPromptsAsync(TraceScope.Of(call), call.RequiredText("trace_id"), prompts, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>POST traces/calculate-filter-correlation</c>.</summary>
    public async Task CorrelateAsync(MLflowCall call)
    {
        if (!call.Has("experiment_ids"))
        {
            throw MLflowException.Required("experiment_ids");
        }

        var counts = await search.CountAsync(
            TraceScope.Of(call), call.Texts("experiment_ids"), call.RequiredText("filter_string1"), call.RequiredText("filter_string2"), call.Text("base_filter"), call.Token);
        var npmi = Correlation.Npmi(counts.Joint, counts.First, counts.Second, counts.Total, smoothing: 0);
        var smoothed = Correlation.Npmi(counts.Joint, counts.First, counts.Second, counts.Total, Correlation.Jeffreys);
        await call.WriteAsync(json =>
        {
            Number(json, "npmi", npmi);
            Number(json, "npmi_smoothed", smoothed);
            json.WriteNumber("filter1_count"u8, counts.First);
            json.WriteNumber("filter2_count"u8, counts.Second);
            json.WriteNumber("joint_count"u8, counts.Joint);
            json.WriteNumber("total_count"u8, counts.Total);
        });
    }

    /// <summary>Writes the information of traces, with their assessments.</summary>
    public async Task<Action<Utf8JsonWriter, TraceRow>> WriterAsync(string projectId, IReadOnlyCollection<TraceRow> traces, CancellationToken cancellationToken)
    {
        var experiments = await store.ExperimentsAsync(traces, cancellationToken);
        var known = await assessments.OfAsync(projectId, [.. traces.Select(static trace => trace.Id)], cancellationToken);
        return (json, trace) => TraceJson.WriteInfo(json, trace, experiments[trace.ExperimentId], known[trace.Id]);
    }

    /// <summary>The trace that the route names.</summary>
    public static string Id(MLflowCall call) => (string)call.Context.Request.RouteValues["trace"]!;

    /// <summary>A bounded list of ids.</summary>
    public static string[] Ids(MLflowCall call, string name, int most = MaxIds)
    {
        var ids = call.Texts(name).Distinct(StringComparer.Ordinal).ToArray();
        return ids.Length <= most ? ids : throw MLflowException.Invalid($"At most {most} {name} are accepted. Got {ids.Length}.");
    }

    private async Task WriteAsync(MLflowCall call, string id)
    {
        var trace = await store.RequireAsync(TraceScope.Of(call), id, call.Token);
        var write = await WriterAsync(call.ProjectId, [trace], call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteStartObject("trace"u8);
            json.WritePropertyName("trace_info"u8);
            write(json, trace);
            json.WriteEndObject();
        });
    }

    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsNaN(value))
        {
            json.WriteString(name, "NaN"u8);
        }
        else
        {
            json.WriteNumber(name, value);
        }
    }
}
