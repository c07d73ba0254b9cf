using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.Traces;

/// <summary><c>POST /v1/traces</c>: spans of any OpenTelemetry exporter, for the experiment that a header names.</summary>
internal sealed class OtlpApi(SpanStore spans, IProjectScope projects)
{
    private const string ExperimentHeader = "x-mlflow-experiment-id";

    /// <summary>Stores all spans of the request, or none.</summary>
    public async Task ExportAsync(HttpContext context)
    {
        var experiment = context.Request.Headers[ExperimentHeader].ToString();
        if (experiment.Length == 0)
        {
            throw new MLflowException(MLflowException.InvalidParameterValue, $"The header {ExperimentHeader} is missing.")
            {
                OwnStatus = StatusCodes.Status422UnprocessableEntity,
            };
        }

        var caller = context.Features.Get<Caller>()!;
        var json = OtlpRequest.IsJson(context.Request);
        var sent = await OtlpRequest.ReadAsync(context.Request, context.RequestAborted);
        var scope = TraceScope.Of(await projects.ResolveAsync(context, caller), caller);
        await spans.LogAsync(scope, caller, experiment, sent, context.RequestAborted);

        // An ExportTraceServiceResponse without fields.
        context.Response.ContentType = json ? "application/json" : "application/x-protobuf";
        await context.Response.Body.WriteAsync(json ? "{}"u8.ToArray() : [], context.RequestAborted);
    }
}
