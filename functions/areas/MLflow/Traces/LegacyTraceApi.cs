using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Search;

namespace AiPlatform.MLflow.Traces;

/// <summary>Traces of MLflow 2 clients, which begin a trace, end it, and know it as a request.</summary>
internal sealed class LegacyTraceApi(TraceStore store, TraceSearch search, TraceApi current, TimeProvider time)
{
    private const int DefaultResults = 100;
    private const int MaxResults = 500;

    /// <summary><c>POST traces</c>; what has a trace in its body is of MLflow 3.</summary>
    public async Task StartAsync(MLflowCall call)
    {
        if (call.Has("trace") || !call.Has("experiment_id"))
        {
            await current.StartAsync(call);
            return;
        }

        var id = $"tr-{Ids.New(time)}";
        await store.StartAsync(
            TraceScope.Of(call),
            call.Caller,
            new TraceInfo
            {
                Id = id,
                ExperimentId = call.RequiredText("experiment_id"),
                StartedMs = Timestamp(call),
                State = "IN_PROGRESS",
                Metadata = Entries(call, "request_metadata"),
                Tags = Entries(call, "tags"),
            },
            call.Token);
        await WriteAsync(call, id);
    }

    /// <summary><c>PATCH traces/{id}</c>.</summary>
    public async Task EndAsync(MLflowCall call)
    {
        var id = TraceApi.Id(call);
        await store.EndAsync(
            TraceScope.Of(call), id, Timestamp(call), TraceInfo.StateOf(call.Text("status"), "status"), Entries(call, "request_metadata"), Entries(call, "tags"), call.Token);
        await WriteAsync(call, id);
    }

    /// <summary><c>GET traces/{id}/info</c>.</summary>
    public Task GetAsync(MLflowCall call) => WriteAsync(call, TraceApi.Id(call));

    /// <summary><c>GET traces</c>.</summary>
    public async Task SearchAsync(MLflowCall call)
    {
        var limit = call.MaxResults(DefaultResults, MaxResults);
        var offset = Offsets.Read(call.Text("page_token"));
        var traces = await search.FindAsync(TraceScope.Of(call), call.Texts("experiment_ids"), call.Text("filter"), call.Texts("order_by"), limit + 1, offset, call.Token);
        var experiments = await store.ExperimentsAsync(traces, call.Token);
        await call.WritePageAsync("traces", traces, limit, offset, (json, trace) => TraceJson.WriteInfoV2(json, trace, experiments[trace.ExperimentId]));
    }

    private static long Timestamp(MLflowCall call)
        => call.Number("timestamp_ms") is not { } at ? throw MLflowException.Required("timestamp_ms")
            : at is >= 0 and <= 253_402_300_799_999 ? at
            : throw MLflowException.Value("timestamp_ms", $"{at}");

    private static IReadOnlyDictionary<string, string> Entries(MLflowCall call, string name)
        => TraceInfo.Checked(
            call.Objects(name).Take(TraceInfo.MaxEntries + 1).Select(entry => new MLflowCall(call.Context, entry, call.ProjectId))
                .Select(entry => KeyValuePair.Create(entry.RequiredText("key"), entry.Text("value") ?? string.Empty)),
            name);

    private async Task WriteAsync(MLflowCall call, string id)
    {
        var trace = await store.RequireAsync(TraceScope.Of(call), id, call.Token);
        var experiments = await store.ExperimentsAsync([trace], call.Token);
        await call.WriteAsync(json =>
        {
            json.WritePropertyName("trace_info"u8);
            TraceJson.WriteInfoV2(json, trace, experiments[trace.ExperimentId]);
        });
    }
}
