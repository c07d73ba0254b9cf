using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.Traces;

/// <summary>Traces with their spans: as messages, and as the file that clients would otherwise find among artifacts.</summary>
internal sealed class TraceReadApi(TraceStore store, SpanStore spans, TraceApi traces, TimeProvider time)
{
    private const int MaxIds = 100;
    private const int Attempts = 3;
    private const long MaxBytes = 128 * 1024 * 1024;

    /// <summary><c>GET traces/get</c>: whole, unless a part is asked for; what is just being exported is waited for.</summary>
    public async Task GetAsync(MLflowCall call)
    {
        var id = call.RequiredText("trace_id");
        var partial = call.Flag("allow_partial") ?? false;
        for (var attempt = 1; ; attempt++)
        {
            var trace = await store.RequireAsync(TraceScope.Of(call), id, call.Token);
            var found = await spans.ReadAsync(call.ProjectId, id, call.Token);
            if (partial || (found.Count > 0 && found.Count >= Expected(trace)))
            {
                var write = await traces.WriterAsync(call.ProjectId, [trace], call.Token);
                await call.WriteAsync(json =>
                {
                    json.WritePropertyName("trace"u8);
                    Write(json, trace, write, found);
                });
                return;
            }

            if (attempt == Attempts)
            {
                throw MLflowException.Missing($"Trace with ID {id} is not fully exported yet, please try again later.");
            }

            await Task.Delay(TimeSpan.FromSeconds(1 << (attempt - 1)), time, call.Token);
        }
    }

    /// <summary><c>GET traces/batchGet</c>: those that are there with all of their spans.</summary>
    public async Task BatchAsync(MLflowCall call)
    {
        var ids = TraceApi.Ids(call, "trace_ids", MaxIds);
        var found = await store.FindAsync(TraceScope.Of(call), ids, call.Token);
        var sizes = await spans.SizesAsync(call.ProjectId, [.. found.Select(static trace => trace.Id)], call.Token);
        var whole = found.Where(trace => sizes.TryGetValue(trace.Id, out var size) && size.Spans >= Expected(trace)).ToList();
        if (whole.Sum(trace => sizes[trace.Id].Bytes) > MaxBytes)
        {
            throw MLflowException.Invalid("These traces are too large for one answer. Please ask for fewer of them at once.");
        }

        var write = await traces.WriterAsync(call.ProjectId, whole, call.Token);
        var content = new List<(TraceRow Trace, IReadOnlyList<SpanRow> Spans)>();
        foreach (var trace in whole)
        {
            content.Add((trace, await spans.ReadAsync(call.ProjectId, trace.Id, call.Token)));
        }

        await call.WriteAsync(json =>
        {
            json.WriteStartArray("traces"u8);
            foreach (var (trace, its) in content)
            {
                Write(json, trace, write, its);
            }

            json.WriteEndArray();
        });
    }

    /// <summary><c>GET get-trace-artifact</c>.</summary>
    public async Task FileAsync(MLflowCall call)
    {
        var id = call.Text("request_id") is { Length: > 0 } given
            ? given
            : throw new MLflowException("BAD_REQUEST", "Request must include the \"request_id\" query parameter.");
        await FileAsync(call.Context, call.ProjectId, await store.RequireAsync(TraceScope.Of(call), id, call.Token));
    }

    /// <summary>Answers <c>traces.json</c>, in the dialect that the client reads.</summary>
    public async Task FileAsync(HttpContext context, string projectId, TraceRow trace)
    {
        var found = await spans.ReadAsync(projectId, trace.Id, context.RequestAborted);
        var dialect = SpanFileDialects.For(trace, context.Request.Headers.UserAgent);
        using var buffer = new PooledBuffer();
        MLflowJson.Write(buffer, json =>
        {
            json.WriteStartArray("spans"u8);
            foreach (var span in found)
            {
                SpanJson.WriteFile(json, span, dialect);
            }

            json.WriteEndArray();
        });
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = buffer.Written.Length;
        context.Response.Headers.ContentDisposition = "attachment; filename=traces.json";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        await context.Response.Body.WriteAsync(buffer.Written, context.RequestAborted);
    }

    private static void Write(Utf8JsonWriter json, TraceRow trace, Action<Utf8JsonWriter, TraceRow> writeInfo, IReadOnlyList<SpanRow> spans)
    {
        json.WriteStartObject();
        json.WritePropertyName("trace_info"u8);
        writeInfo(json, trace);
        json.WriteStartArray("spans"u8);
        foreach (var span in spans)
        {
            SpanJson.WriteMessage(json, span);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    // How many spans the client that made the trace says it has.
    private static long Expected(TraceRow trace)
    {
        if (!JsonTags.Read(trace.Metadata).TryGetValue(SpanKeys.SizeStats, out var stats) || AttributeValues.Parse(stats) is not { } document)
        {
            return 0;
        }

        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("num_spans", out var count)
                && count.ValueKind == JsonValueKind.Number && count.TryGetInt64(out var number) ? number : 0;
        }
    }
}
