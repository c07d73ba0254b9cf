using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Tick;
using AiPlatform.MLflow.Artifacts;
using AiPlatform.MLflow.Evaluation;
using AiPlatform.MLflow.GraphQL;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Models;
using AiPlatform.MLflow.Registry;
using AiPlatform.MLflow.Server;
using AiPlatform.MLflow.Traces;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.Registry;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.LoggedModels;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search.Index;

namespace AiPlatform.MLflow;

/// <summary>
/// MLflow's REST API over the platform's experiments, runs, artifacts and models. The routes are those of
/// <c>/api/2.0</c>; <see cref="MLflowGateway"/> brings every other prefix to them.
/// </summary>
internal static class MLflowEndpoints
{
    private const long MaxBatchBytes = 4 * 1024 * 1024;
    private const long MaxArtifactBytes = 5_000L * 1024 * 1024;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddMLflow(this IServiceCollection services)
    {
        return services.AddTraces().AddEvaluation().AddSingleton<ServerApi>().AddSingleton<GraphQLApi>()
            .AddSingleton<RunApi>().AddSingleton<RunSearchApi>()
            .AddSingleton<ExperimentApi>().AddSingleton<LoggingApi>().AddSingleton<HistoryApi>()
            .AddSingleton<ArtifactApi>().AddSingleton<PageArtifactApi>()
            .AddSingleton<LoggedModelApi>().AddSingleton<ModelDescriptions>().AddSingleton<IModelDescriptions>(static provider => provider.GetRequiredService<ModelDescriptions>())
            .AddSingleton<RegisteredModelApi>().AddSingleton<ModelVersionApi>().AddSingleton<WebhookApi>();
    }

    /// <summary>Maps the routes.</summary>
    public static void MapMLflowEndpoints(this IEndpointRouteBuilder routes)
    {
        var mlflow = new MLflowRoutes(routes, "/api/2.0/mlflow/");
        MapExperiments(mlflow);
        MapRuns(mlflow);
        MapLoggedModels(mlflow);
        MapRegistry(mlflow);
        MapWebhooks(mlflow);
        var proxy = new MLflowRoutes(routes, "/api/2.0/mlflow-artifacts/");
        MapArtifacts(mlflow, proxy);
        TraceEndpoints.Map(mlflow, proxy, new MLflowRoutes(routes, "/v1/"));
        EvaluationEndpoints.Map(mlflow);
        mlflow.Get<ServerApi>("server-info", Permission.ReadRun, (api, call) => api.InfoAsync(call));
        new MLflowRoutes(routes, "/").Both<GraphQLApi>("graphql", Permission.ReadRun, (api, call) => api.QueryAsync(call));
        ServerApi.MapVersion(routes);
    }

    private static void MapExperiments(MLflowRoutes mlflow)
    {
        mlflow.Post<ExperimentApi>("experiments/create", Permission.Write, (api, call) => api.CreateAsync(call));
        mlflow.Both<ExperimentApi>("experiments/search", Permission.Read, (api, call) => api.SearchAsync(call));
        mlflow.Get<ExperimentApi>("experiments/list", Permission.Read, (api, call) => api.SearchAsync(call));
        mlflow.Get<ExperimentApi>("experiments/get", Permission.ReadRun, (api, call) => api.GetAsync(call));
        mlflow.Get<ExperimentApi>("experiments/get-by-name", Permission.ReadRun, (api, call) => api.GetByNameAsync(call));
        mlflow.Post<ExperimentApi>("experiments/delete", Permission.Write, (api, call) => api.DeleteAsync(call));
        mlflow.Post<ExperimentApi>("experiments/restore", Permission.Write, (api, call) => api.RestoreAsync(call));
        mlflow.Post<ExperimentApi>("experiments/update", Permission.Write, (api, call) => api.UpdateAsync(call));
        mlflow.Post<ExperimentApi>("experiments/set-experiment-tag", Permission.Write, (api, call) => api.SetTagAsync(call));
        mlflow.Post<ExperimentApi>("experiments/delete-experiment-tag", Permission.Write, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<ExperimentApi>("experiments/search-datasets", Permission.Read, (api, call) => api.SearchDatasetsAsync(call));
    }

    private static void MapRuns(MLflowRoutes mlflow)
    {
        mlflow.Post<RunApi>("runs/create", Permission.Write, (api, call) => api.CreateAsync(call));
        mlflow.Get<RunApi>("runs/get", Permission.ReadRun, (api, call) => api.GetAsync(call));
        mlflow.Post<RunApi>("runs/update", Permission.WriteRun, (api, call) => api.UpdateAsync(call));
        mlflow.Post<RunApi>("runs/delete", Permission.Write, (api, call) => api.DeleteAsync(call));
        mlflow.Post<RunApi>("runs/restore", Permission.Write, (api, call) => api.RestoreAsync(call));
        mlflow.Post<RunSearchApi>("runs/search", Permission.Read, (api, call) => api.SearchAsync(call));
        mlflow.Post<RunApi>("runs/delete-tag", Permission.WriteRun, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<RunApi>("runs/log-inputs", Permission.WriteRun, (api, call) => api.LogInputsAsync(call));
        mlflow.Post<RunApi>("runs/outputs", Permission.WriteRun, (api, call) => api.LogOutputsAsync(call));
        mlflow.Post<LoggingApi>("runs/log-parameter", Permission.WriteRun, (api, call) => api.LogParamAsync(call));
        mlflow.Post<LoggingApi>("runs/set-tag", Permission.WriteRun, (api, call) => api.SetTagAsync(call));
        mlflow.Post<LoggingApi>("runs/log-model", Permission.WriteRun, (api, call) => api.LogModelAsync(call));
        mlflow.Raw<LoggingApi>("POST", "runs/log-metric", Permission.WriteRun, MaxBatchBytes, (api, context) => api.LogMetricAsync(context));
        mlflow.Raw<LoggingApi>("POST", "runs/log-batch", Permission.WriteRun, MaxBatchBytes, (api, context) => api.LogBatchAsync(context));
        mlflow.Get<HistoryApi>("metrics/get-history", Permission.ReadRun, (api, call) => api.GetAsync(call));
        mlflow.Get<HistoryApi>("metrics/get-history-bulk", Permission.ReadRun, (api, call) => api.BulkAsync(call));
        mlflow.Get<HistoryApi>("metrics/get-history-bulk-interval", Permission.ReadRun, (api, call) => api.BulkIntervalAsync(call));
    }

    private static void MapLoggedModels(MLflowRoutes mlflow)
    {
        mlflow.Post<LoggedModelApi>("logged-models", Permission.WriteRun, (api, call) => api.CreateAsync(call));
        mlflow.Post<LoggedModelApi>("logged-models/search", Permission.Read, (api, call) => api.SearchAsync(call));
        mlflow.Get<LoggedModelApi>("logged-models/{model}", Permission.ReadRun, (api, call) => api.GetAsync(call));
        mlflow.On<LoggedModelApi>("PATCH", "logged-models/{model}", Permission.WriteRun, (api, call) => api.FinalizeAsync(call));
        mlflow.On<LoggedModelApi>("DELETE", "logged-models/{model}", Permission.Write, (api, call) => api.DeleteAsync(call));
        mlflow.On<LoggedModelApi>("PATCH", "logged-models/{model}/tags", Permission.WriteRun, (api, call) => api.SetTagsAsync(call));
        mlflow.On<LoggedModelApi>("DELETE", "logged-models/{model}/tags/{key}", Permission.WriteRun, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<LoggedModelApi>("logged-models/{model}/params", Permission.WriteRun, (api, call) => api.LogParamsAsync(call));
        mlflow.Get<ArtifactApi>("logged-models/{model}/artifacts/directories", Permission.ReadRun, (api, call) => api.ListModelAsync(call));
    }

    private static void MapRegistry(MLflowRoutes mlflow)
    {
        mlflow.Post<RegisteredModelApi>("registered-models/create", Permission.Write, (api, call) => api.CreateAsync(call));
        mlflow.Get<RegisteredModelApi>("registered-models/get", Permission.Read, (api, call) => api.GetAsync(call));
        mlflow.Post<RegisteredModelApi>("registered-models/rename", Permission.Write, (api, call) => api.RenameAsync(call));
        mlflow.On<RegisteredModelApi>("PATCH", "registered-models/update", Permission.Write, (api, call) => api.UpdateAsync(call));
        mlflow.On<RegisteredModelApi>("DELETE", "registered-models/delete", Permission.Write, (api, call) => api.DeleteAsync(call));
        mlflow.Get<RegisteredModelApi>("registered-models/search", Permission.Read, (api, call) => api.SearchAsync(call));
        mlflow.Get<RegisteredModelApi>("registered-models/list", Permission.Read, (api, call) => api.SearchAsync(call));
        mlflow.Both<RegisteredModelApi>("registered-models/get-latest-versions", Permission.Read, (api, call) => api.LatestVersionsAsync(call));
        mlflow.Post<RegisteredModelApi>("registered-models/set-tag", Permission.Write, (api, call) => api.SetTagAsync(call));
        mlflow.On<RegisteredModelApi>("DELETE", "registered-models/delete-tag", Permission.Write, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<RegisteredModelApi>("registered-models/alias", Permission.Write, (api, call) => api.SetAliasAsync(call));
        mlflow.On<RegisteredModelApi>("DELETE", "registered-models/alias", Permission.Write, (api, call) => api.DeleteAliasAsync(call));
        mlflow.Get<RegisteredModelApi>("registered-models/alias", Permission.Read, (api, call) => api.GetByAliasAsync(call));
        mlflow.Post<ModelVersionApi>("model-versions/create", Permission.Write, (api, call) => api.CreateAsync(call));
        mlflow.Get<ModelVersionApi>("model-versions/get", Permission.Read, (api, call) => api.GetAsync(call));
        mlflow.On<ModelVersionApi>("PATCH", "model-versions/update", Permission.Write, (api, call) => api.UpdateAsync(call));
        mlflow.On<ModelVersionApi>("DELETE", "model-versions/delete", Permission.Write, (api, call) => api.DeleteAsync(call));
        mlflow.Get<ModelVersionApi>("model-versions/search", Permission.Read, (api, call) => api.SearchAsync(call));
        mlflow.Get<ModelVersionApi>("model-versions/get-download-uri", Permission.Read, (api, call) => api.DownloadUriAsync(call));
        mlflow.Post<ModelVersionApi>("model-versions/transition-stage", Permission.Write, (api, call) => api.TransitionAsync(call));
        mlflow.Post<ModelVersionApi>("model-versions/set-tag", Permission.Write, (api, call) => api.SetTagAsync(call));
        mlflow.On<ModelVersionApi>("DELETE", "model-versions/delete-tag", Permission.Write, (api, call) => api.DeleteTagAsync(call));
    }

    private static void MapWebhooks(MLflowRoutes mlflow)
    {
        mlflow.Post<WebhookApi>("webhooks", Permission.Write, (api, call) => api.CreateAsync(call));
        mlflow.Get<WebhookApi>("webhooks", Permission.Read, (api, call) => api.ListAsync(call));
        mlflow.Get<WebhookApi>("webhooks/{webhook}", Permission.Read, (api, call) => api.GetAsync(call));
        mlflow.On<WebhookApi>("PATCH", "webhooks/{webhook}", Permission.Write, (api, call) => api.UpdateAsync(call));
        mlflow.On<WebhookApi>("DELETE", "webhooks/{webhook}", Permission.Write, (api, call) => api.DeleteAsync(call));
        mlflow.Post<WebhookApi>("webhooks/{webhook}/test", Permission.Write, (api, call) => api.TestAsync(call));
    }

    private static void MapArtifacts(MLflowRoutes mlflow, MLflowRoutes proxy)
    {
        mlflow.Get<ArtifactApi>("artifacts/list", Permission.ReadRun, (api, call) => api.ListAsync(call));
        mlflow.Post<ArtifactApi>("artifacts/presigned-download-url", Permission.ReadRun, (api, call) => api.PresignDownloadAsync(call));
        mlflow.Post<ArtifactApi>("artifacts/presigned-upload-url", Permission.WriteRun, (api, call) => api.PresignUploadAsync(call));
        mlflow.Raw<PageArtifactApi>("GET", "get-artifact", Permission.ReadRun, 0, (api, context) => api.DownloadAsync(context)).WithLongRequests();
        mlflow.Raw<PageArtifactApi>("GET", "model-versions/get-artifact", Permission.Read, 0, (api, context) => api.DownloadOfVersionAsync(context)).WithLongRequests();
        mlflow.Raw<PageArtifactApi>("GET", "logged-models/{model}/artifacts/files", Permission.ReadRun, 0, (api, context) => api.DownloadOfModelAsync(context)).WithLongRequests();
        mlflow.Raw<PageArtifactApi>("POST", "upload-artifact", Permission.WriteRun, MaxArtifactBytes, (api, context) => api.UploadAsync(context)).WithLongRequests().WithRawBody();
        proxy.Get<ArtifactApi>("artifacts", Permission.ReadRun, (api, call) => api.ListProxyAsync(call));
        proxy.Raw<ArtifactApi>("GET", "artifacts/{**path}", Permission.ReadRun, 0, (api, context) => api.DownloadAsync(context)).WithLongRequests();
        proxy.Raw<ArtifactApi>("PUT", "artifacts/{**path}", Permission.WriteRun, MaxArtifactBytes, (api, context) => api.UploadAsync(context)).WithLongRequests().WithRawBody();
        proxy.Raw<ArtifactApi>("DELETE", "artifacts/{**path}", Permission.WriteRun, 0, (api, context) => api.DeleteAsync(context));
        proxy.Raw<ArtifactApi>("GET", "presigned/{**path}", Permission.ReadRun, 0, (api, context) => api.PresignProxyAsync(context));
        proxy.Post<ArtifactApi>("mpu/create/{**path}", Permission.WriteRun, (api, call) => api.CreatePartsAsync(call));
        proxy.Post<ArtifactApi>("mpu/complete/{**path}", Permission.WriteRun, (api, call) => api.CompletePartsAsync(call));
        proxy.Post<ArtifactApi>("mpu/abort/{**path}", Permission.WriteRun, (api, call) => api.AbortPartsAsync(call));
    }
}
