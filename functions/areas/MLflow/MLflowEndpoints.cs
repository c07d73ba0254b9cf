using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Tick;
using AiPlatform.Registry;
using AiPlatform.Tracking;
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
        mlflow.Get<ServerApi>("server-info", MLflowActions.ReadServer, (api, call) => api.InfoAsync(call));
        new MLflowRoutes(routes, "/").Both<GraphQLApi>("graphql", MLflowActions.ReadServer, (api, call) => api.QueryAsync(call));
        ServerApi.MapVersion(routes);
    }

    private static void MapExperiments(MLflowRoutes mlflow)
    {
        mlflow.Post<ExperimentApi>("experiments/create", TrackingActions.WriteExperiment, (api, call) => api.CreateAsync(call));
        mlflow.Both<ExperimentApi>("experiments/search", TrackingActions.ReadExperiment, (api, call) => api.SearchAsync(call));
        mlflow.Get<ExperimentApi>("experiments/list", TrackingActions.ReadExperiment, (api, call) => api.SearchAsync(call));
        mlflow.Get<ExperimentApi>("experiments/get", TrackingActions.ReadRun, (api, call) => api.GetAsync(call));
        mlflow.Get<ExperimentApi>("experiments/get-by-name", TrackingActions.ReadRun, (api, call) => api.GetByNameAsync(call));
        mlflow.Post<ExperimentApi>("experiments/delete", TrackingActions.DeleteExperiment, (api, call) => api.DeleteAsync(call));
        mlflow.Post<ExperimentApi>("experiments/restore", TrackingActions.WriteExperiment, (api, call) => api.RestoreAsync(call));
        mlflow.Post<ExperimentApi>("experiments/update", TrackingActions.WriteExperiment, (api, call) => api.UpdateAsync(call));
        mlflow.Post<ExperimentApi>("experiments/set-experiment-tag", TrackingActions.WriteExperiment, (api, call) => api.SetTagAsync(call));
        mlflow.Post<ExperimentApi>("experiments/delete-experiment-tag", TrackingActions.WriteExperiment, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<ExperimentApi>("experiments/search-datasets", TrackingActions.ReadExperiment, (api, call) => api.SearchDatasetsAsync(call));
    }

    private static void MapRuns(MLflowRoutes mlflow)
    {
        mlflow.Post<RunApi>("runs/create", TrackingActions.WriteRun, (api, call) => api.CreateAsync(call));
        mlflow.Get<RunApi>("runs/get", TrackingActions.ReadRun, (api, call) => api.GetAsync(call));
        mlflow.Post<RunApi>("runs/update", TrackingActions.LogRun, (api, call) => api.UpdateAsync(call));
        mlflow.Post<RunApi>("runs/delete", TrackingActions.DeleteRun, (api, call) => api.DeleteAsync(call));
        mlflow.Post<RunApi>("runs/restore", TrackingActions.WriteRun, (api, call) => api.RestoreAsync(call));
        mlflow.Post<RunSearchApi>("runs/search", TrackingActions.ListRuns, (api, call) => api.SearchAsync(call));
        mlflow.Post<RunApi>("runs/delete-tag", TrackingActions.LogRun, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<RunApi>("runs/log-inputs", TrackingActions.LogRun, (api, call) => api.LogInputsAsync(call));
        mlflow.Post<RunApi>("runs/outputs", TrackingActions.LogRun, (api, call) => api.LogOutputsAsync(call));
        mlflow.Post<LoggingApi>("runs/log-parameter", TrackingActions.LogRun, (api, call) => api.LogParamAsync(call));
        mlflow.Post<LoggingApi>("runs/set-tag", TrackingActions.LogRun, (api, call) => api.SetTagAsync(call));
        mlflow.Post<LoggingApi>("runs/log-model", TrackingActions.LogRun, (api, call) => api.LogModelAsync(call));
        mlflow.Raw<LoggingApi>("POST", "runs/log-metric", TrackingActions.LogRun, MaxBatchBytes, (api, context) => api.LogMetricAsync(context));
        mlflow.Raw<LoggingApi>("POST", "runs/log-batch", TrackingActions.LogRun, MaxBatchBytes, (api, context) => api.LogBatchAsync(context));
        mlflow.Get<HistoryApi>("metrics/get-history", TrackingActions.ReadRun, (api, call) => api.GetAsync(call));
        mlflow.Get<HistoryApi>("metrics/get-history-bulk", TrackingActions.ReadRun, (api, call) => api.BulkAsync(call));
        mlflow.Get<HistoryApi>("metrics/get-history-bulk-interval", TrackingActions.ReadRun, (api, call) => api.BulkIntervalAsync(call));
    }

    private static void MapLoggedModels(MLflowRoutes mlflow)
    {
        mlflow.Post<LoggedModelApi>("logged-models", TrackingActions.LogLoggedModel, (api, call) => api.CreateAsync(call));
        mlflow.Post<LoggedModelApi>("logged-models/search", TrackingActions.ListLoggedModels, (api, call) => api.SearchAsync(call));
        mlflow.Get<LoggedModelApi>("logged-models/{model}", TrackingActions.ReadLoggedModel, (api, call) => api.GetAsync(call));
        mlflow.On<LoggedModelApi>("PATCH", "logged-models/{model}", TrackingActions.LogLoggedModel, (api, call) => api.FinalizeAsync(call));
        mlflow.On<LoggedModelApi>("DELETE", "logged-models/{model}", TrackingActions.DeleteLoggedModel, (api, call) => api.DeleteAsync(call));
        mlflow.On<LoggedModelApi>("PATCH", "logged-models/{model}/tags", TrackingActions.LogLoggedModel, (api, call) => api.SetTagsAsync(call));
        mlflow.On<LoggedModelApi>("DELETE", "logged-models/{model}/tags/{key}", TrackingActions.LogLoggedModel, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<LoggedModelApi>("logged-models/{model}/params", TrackingActions.LogLoggedModel, (api, call) => api.LogParamsAsync(call));
        mlflow.Get<ArtifactApi>("logged-models/{model}/artifacts/directories", TrackingActions.ReadArtifact, (api, call) => api.ListModelAsync(call));
    }

    private static void MapRegistry(MLflowRoutes mlflow)
    {
        mlflow.Post<RegisteredModelApi>("registered-models/create", RegistryActions.WriteModel, (api, call) => api.CreateAsync(call));
        mlflow.Get<RegisteredModelApi>("registered-models/get", RegistryActions.ReadModel, (api, call) => api.GetAsync(call));
        mlflow.Post<RegisteredModelApi>("registered-models/rename", RegistryActions.WriteModel, (api, call) => api.RenameAsync(call));
        mlflow.On<RegisteredModelApi>("PATCH", "registered-models/update", RegistryActions.WriteModel, (api, call) => api.UpdateAsync(call));
        mlflow.On<RegisteredModelApi>("DELETE", "registered-models/delete", RegistryActions.DeleteModel, (api, call) => api.DeleteAsync(call));
        mlflow.Get<RegisteredModelApi>("registered-models/search", RegistryActions.ReadModel, (api, call) => api.SearchAsync(call));
        mlflow.Get<RegisteredModelApi>("registered-models/list", RegistryActions.ReadModel, (api, call) => api.SearchAsync(call));
        mlflow.Both<RegisteredModelApi>("registered-models/get-latest-versions", RegistryActions.ReadModel, (api, call) => api.LatestVersionsAsync(call));
        mlflow.Post<RegisteredModelApi>("registered-models/set-tag", RegistryActions.WriteModel, (api, call) => api.SetTagAsync(call));
        mlflow.On<RegisteredModelApi>("DELETE", "registered-models/delete-tag", RegistryActions.WriteModel, (api, call) => api.DeleteTagAsync(call));
        mlflow.Post<RegisteredModelApi>("registered-models/alias", RegistryActions.WriteModel, (api, call) => api.SetAliasAsync(call));
        mlflow.On<RegisteredModelApi>("DELETE", "registered-models/alias", RegistryActions.WriteModel, (api, call) => api.DeleteAliasAsync(call));
        mlflow.Get<RegisteredModelApi>("registered-models/alias", RegistryActions.ReadModel, (api, call) => api.GetByAliasAsync(call));
        mlflow.Post<ModelVersionApi>("model-versions/create", RegistryActions.WriteModel, (api, call) => api.CreateAsync(call));
        mlflow.Get<ModelVersionApi>("model-versions/get", RegistryActions.ReadModel, (api, call) => api.GetAsync(call));
        mlflow.On<ModelVersionApi>("PATCH", "model-versions/update", RegistryActions.WriteModel, (api, call) => api.UpdateAsync(call));
        mlflow.On<ModelVersionApi>("DELETE", "model-versions/delete", RegistryActions.DeleteModel, (api, call) => api.DeleteAsync(call));
        mlflow.Get<ModelVersionApi>("model-versions/search", RegistryActions.ReadModel, (api, call) => api.SearchAsync(call));
        mlflow.Get<ModelVersionApi>("model-versions/get-download-uri", RegistryActions.ReadModel, (api, call) => api.DownloadUriAsync(call));
        mlflow.Post<ModelVersionApi>("model-versions/transition-stage", RegistryActions.WriteStage, (api, call) => api.TransitionAsync(call));
        mlflow.Post<ModelVersionApi>("model-versions/set-tag", RegistryActions.WriteModel, (api, call) => api.SetTagAsync(call));
        mlflow.On<ModelVersionApi>("DELETE", "model-versions/delete-tag", RegistryActions.WriteModel, (api, call) => api.DeleteTagAsync(call));
    }

    private static void MapWebhooks(MLflowRoutes mlflow)
    {
        mlflow.Post<WebhookApi>("webhooks", RegistryActions.ManageWebhook, (api, call) => api.CreateAsync(call));
        mlflow.Get<WebhookApi>("webhooks", RegistryActions.ReadWebhook, (api, call) => api.ListAsync(call));
        mlflow.Get<WebhookApi>("webhooks/{webhook}", RegistryActions.ReadWebhook, (api, call) => api.GetAsync(call));
        mlflow.On<WebhookApi>("PATCH", "webhooks/{webhook}", RegistryActions.ManageWebhook, (api, call) => api.UpdateAsync(call));
        mlflow.On<WebhookApi>("DELETE", "webhooks/{webhook}", RegistryActions.ManageWebhook, (api, call) => api.DeleteAsync(call));
        mlflow.Post<WebhookApi>("webhooks/{webhook}/test", RegistryActions.ManageWebhook, (api, call) => api.TestAsync(call));
    }

    private static void MapArtifacts(MLflowRoutes mlflow, MLflowRoutes proxy)
    {
        mlflow.Get<ArtifactApi>("artifacts/list", TrackingActions.ReadArtifact, (api, call) => api.ListAsync(call));
        mlflow.Post<ArtifactApi>("artifacts/presigned-download-url", TrackingActions.ReadArtifact, (api, call) => api.PresignDownloadAsync(call));
        mlflow.Post<ArtifactApi>("artifacts/presigned-upload-url", TrackingActions.LogArtifact, (api, call) => api.PresignUploadAsync(call));
        mlflow.Raw<PageArtifactApi>("GET", "get-artifact", TrackingActions.ReadArtifact, 0, (api, context) => api.DownloadAsync(context)).WithLongRequests();
        mlflow.Raw<PageArtifactApi>("GET", "model-versions/get-artifact", RegistryActions.ReadModel, 0, (api, context) => api.DownloadOfVersionAsync(context)).WithLongRequests();
        mlflow.Raw<PageArtifactApi>("GET", "logged-models/{model}/artifacts/files", TrackingActions.ReadArtifact, 0, (api, context) => api.DownloadOfModelAsync(context)).WithLongRequests();
        mlflow.Raw<PageArtifactApi>("POST", "upload-artifact", TrackingActions.LogArtifact, MaxArtifactBytes, (api, context) => api.UploadAsync(context)).WithLongRequests().WithRawBody();
        proxy.Get<ArtifactApi>("artifacts", TrackingActions.ReadArtifact, (api, call) => api.ListProxyAsync(call));
        proxy.Raw<ArtifactApi>("GET", "artifacts/{**path}", TrackingActions.ReadArtifact, 0, (api, context) => api.DownloadAsync(context)).WithLongRequests();
        proxy.Raw<ArtifactApi>("PUT", "artifacts/{**path}", TrackingActions.LogArtifact, MaxArtifactBytes, (api, context) => api.UploadAsync(context)).WithLongRequests().WithRawBody();
        proxy.Raw<ArtifactApi>("DELETE", "artifacts/{**path}", TrackingActions.LogArtifact, 0, (api, context) => api.DeleteAsync(context));
        proxy.Raw<ArtifactApi>("GET", "presigned/{**path}", TrackingActions.ReadArtifact, 0, (api, context) => api.PresignProxyAsync(context));
        proxy.Post<ArtifactApi>("mpu/create/{**path}", TrackingActions.LogArtifact, (api, call) => api.CreatePartsAsync(call));
        proxy.Post<ArtifactApi>("mpu/complete/{**path}", TrackingActions.LogArtifact, (api, call) => api.CompletePartsAsync(call));
        proxy.Post<ArtifactApi>("mpu/abort/{**path}", TrackingActions.LogArtifact, (api, call) => api.AbortPartsAsync(call));
    }
}
