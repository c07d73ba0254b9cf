using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.Traces;

/// <summary>
/// <c>traces.json</c> among artifacts: clients that know no other way put the spans of a trace there and read them from there. They become
/// spans like all others.
/// </summary>
internal sealed class TraceFileApi(TraceStore store, SpanStore spans, TraceReadApi reader, IProjectScope projects)
{
    /// <summary>Largest file.</summary>
    public const long MaxBytes = 64 * 1024 * 1024;

    private const int MaxSpans = 100_000;

    /// <summary><c>PUT mlflow-artifacts/artifacts/{experiment}/traces/{trace}/artifacts/traces.json</c>.</summary>
    public async Task UploadAsync(HttpContext context)
    {
        var (scope, caller, id) = await PlaceAsync(context);
        var trace = await store.RequireAsync(scope, id, context.RequestAborted);
        using var document = await JsonDocument.ParseAsync(context.Request.Body, new JsonDocumentOptions { MaxDepth = 256 }, context.RequestAborted);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !JsonTexts.AreSound(root) || !root.TryGetProperty("spans", out var list)
            || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MaxSpans)
        {
            throw MLflowException.Invalid($"Invalid trace data: an object with a list of at most {MaxSpans} spans is expected.");
        }

        var sent = list.EnumerateArray().Select(span => SpanFile.Read(span, id)).ToList();
        if (sent.Count > 0)
        {
            await spans.LogAsync(scope, caller, trace.ExperimentId, sent, context.RequestAborted);
        }

        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync("{}"u8.ToArray(), context.RequestAborted);
    }

    /// <summary><c>GET</c> of the same.</summary>
    public async Task DownloadAsync(HttpContext context)
    {
        var (scope, _, id) = await PlaceAsync(context);
        await reader.FileAsync(context, scope.ProjectId, await store.RequireAsync(scope, id, context.RequestAborted));
    }

    private async Task<(TraceScope Scope, Caller Caller, string Trace)> PlaceAsync(HttpContext context)
    {
        var caller = context.Features.Get<Caller>()!;
        return (TraceScope.Of(await projects.ResolveAsync(context, caller), caller), caller, (string)context.Request.RouteValues["trace"]!);
    }
}
