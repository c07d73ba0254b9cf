using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.MLflow.Assessments;
using AiPlatform.MLflow.Http;

namespace AiPlatform.MLflow.Traces;

/// <summary>Traces, their spans and what is said about them. A job reaches the traces that it made.</summary>
internal static class TraceEndpoints
{
    private const long MaxTraceBytes = 4 * 1024 * 1024;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddTraces(this IServiceCollection services) => services
        .AddSingleton<TraceStore>().AddSingleton<SpanStore>().AddSingleton<TraceSearch>().AddSingleton<AssessmentStore>()
        .AddSingleton<TraceApi>().AddSingleton<TraceReadApi>().AddSingleton<TraceMetricsApi>().AddSingleton<LegacyTraceApi>()
        .AddSingleton<AssessmentApi>().AddSingleton<OtlpApi>().AddSingleton<TraceFileApi>()
        .AddGarbage<TraceGarbage>();

    /// <summary>Maps the routes.</summary>
    /// <param name="proxy">Those of the artifact proxy.</param>
    /// <param name="otlp">Those of OpenTelemetry.</param>
    public static void Map(MLflowRoutes mlflow, MLflowRoutes proxy, MLflowRoutes otlp)
    {
        mlflow.On<LegacyTraceApi>("POST", "traces", MLflowActions.LogTrace, (api, call) => api.StartAsync(call)).WithBodyLimit(MaxTraceBytes);
        mlflow.Get<LegacyTraceApi>("traces", MLflowActions.ReadTrace, (api, call) => api.SearchAsync(call));
        mlflow.On<LegacyTraceApi>("PATCH", "traces/{trace}", MLflowActions.LogTrace, (api, call) => api.EndAsync(call));
        mlflow.Get<LegacyTraceApi>("traces/{trace}/info", MLflowActions.ReadTrace, (api, call) => api.GetAsync(call));
        mlflow.Get<TraceApi>("traces/{trace}", MLflowActions.ReadTrace, (api, call) => api.GetAsync(call));
        mlflow.Get<TraceApi>("traces/batchGetInfos", MLflowActions.ReadTrace, (api, call) => api.BatchAsync(call));
        mlflow.Post<TraceApi>("traces/batchGetInfos", MLflowActions.ReadTrace, (api, call) => api.BatchAsync(call));
        mlflow.Post<TraceApi>("traces/search", MLflowActions.ReadTrace, (api, call) => api.SearchAsync(call));
        mlflow.Post<TraceApi>("traces/delete-traces", MLflowActions.LogTrace, (api, call) => api.DeleteAsync(call));
        mlflow.On<TraceApi>("PATCH", "traces/{trace}/tags", MLflowActions.LogTrace, (api, call) => api.SetTagAsync(call));
        mlflow.On<TraceApi>("DELETE", "traces/{trace}/tags", MLflowActions.LogTrace, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<TraceApi>("traces/link-to-run", MLflowActions.LogTrace, (api, call) => api.LinkRunAsync(call));
        mlflow.Post<TraceApi>("traces/link-prompts", MLflowActions.LogTrace, (api, call) => api.LinkPromptsAsync(call));
        mlflow.Post<TraceApi>("traces/calculate-filter-correlation", MLflowActions.ReadTrace, (api, call) => api.CorrelateAsync(call));
        mlflow.Post<TraceMetricsApi>("traces/metrics", MLflowActions.ReadTrace, (api, call) => api.QueryAsync(call));
        mlflow.Get<TraceReadApi>("traces/get", MLflowActions.ReadTrace, (api, call) => api.GetAsync(call));
        mlflow.Get<TraceReadApi>("traces/batchGet", MLflowActions.ReadTrace, (api, call) => api.BatchAsync(call));
        mlflow.Get<TraceReadApi>("get-trace-artifact", MLflowActions.ReadTrace, (api, call) => api.FileAsync(call));
        mlflow.Post<AssessmentApi>("traces/{trace}/assessments", MLflowActions.LogTrace, (api, call) => api.CreateAsync(call));
        mlflow.Get<AssessmentApi>("traces/{trace}/assessments/{assessment}", MLflowActions.ReadTrace, (api, call) => api.GetAsync(call));
        mlflow.On<AssessmentApi>("PATCH", "traces/{trace}/assessments/{assessment}", MLflowActions.LogTrace, (api, call) => api.UpdateAsync(call));
        mlflow.On<AssessmentApi>("DELETE", "traces/{trace}/assessments/{assessment}", MLflowActions.LogTrace, (api, call) => api.DeleteAsync(call));
        const string file = "artifacts/{experiment}/traces/{trace}/artifacts/traces.json";
        proxy.Raw<TraceFileApi>("PUT", file, MLflowActions.LogTrace, TraceFileApi.MaxBytes, (api, context) => api.UploadAsync(context)).WithRawBody();
        proxy.Raw<TraceFileApi>("GET", file, MLflowActions.ReadTrace, 0, (api, context) => api.DownloadAsync(context));
        otlp.Raw<OtlpApi>("POST", "traces", MLflowActions.LogTrace, OtlpRequest.MaxBodyBytes, (api, context) => api.ExportAsync(context)).WithRawBody();
    }
}
