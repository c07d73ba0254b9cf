using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Traces;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.Assessments;

/// <summary>Assessments of MLflow 3 clients: <c>traces/{trace}/assessments</c>.</summary>
internal sealed class AssessmentApi(AssessmentStore store, TimeProvider time)
{
    /// <summary><c>POST</c>.</summary>
    public async Task CreateAsync(MLflowCall call)
    {
        var row = AssessmentRow.Read(Sent(call), TraceApi.Id(call), time.GetUtcNow());
        await store.CreateAsync(TraceScope.Of(call), row, call.Token);
        await WriteAsync(call, row);
    }

    /// <summary><c>GET …/{assessment}</c>.</summary>
    public async Task GetAsync(MLflowCall call) => await WriteAsync(call, await store.RequireAsync(TraceScope.Of(call), TraceApi.Id(call), Id(call), call.Token));

    /// <summary><c>PATCH …/{assessment}</c>: what the mask names.</summary>
    public async Task UpdateAsync(MLflowCall call)
    {
        var sent = Sent(call);
        var mask = Mask(call);
        await WriteAsync(call, await store.UpdateAsync(TraceScope.Of(call), TraceApi.Id(call), Id(call), (row, now) => row.With(sent, mask, now), call.Token));
    }

    /// <summary><c>DELETE …/{assessment}</c>: no error when there is none.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        await store.DeleteAsync(TraceScope.Of(call), TraceApi.Id(call), Id(call), call.Token);
        await call.EmptyAsync();
    }

    private static string Id(MLflowCall call) => (string)call.Context.Request.RouteValues["assessment"]!;

    private static JsonElement Sent(MLflowCall call) => (call.Object("assessment") ?? throw MLflowException.Required("assessment")).Body;

    // A mask is a text in protobuf's JSON; some send what it means.
    private static string[] Mask(MLflowCall call)
        => call.Body.TryGetProperty("update_mask", out var mask) && mask.ValueKind == JsonValueKind.Object
            ? [.. call.Object("update_mask")!.Texts("paths")]
            : call.RequiredText("update_mask").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Task WriteAsync(MLflowCall call, AssessmentRow row) => call.WriteAsync(json =>
    {
        json.WritePropertyName("assessment"u8);
        AssessmentJson.Write(json, row);
    });
}
