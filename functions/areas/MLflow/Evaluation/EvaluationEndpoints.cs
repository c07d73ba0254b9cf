using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;

namespace AiPlatform.MLflow.Evaluation;

/// <summary>Evaluation datasets and scorers.</summary>
internal static class EvaluationEndpoints
{
    private const long MaxRecordBytes = 16 * 1024 * 1024;
    private const long MaxScorerBytes = 4 * 1024 * 1024;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddEvaluation(this IServiceCollection services) => services
        .AddSingleton<EvaluationDatasetStore>().AddSingleton<EvaluationRecordStore>().AddSingleton<EvaluationDatasetApi>()
        .AddSingleton<ScorerStore>().AddSingleton<ScorerApi>();

    /// <summary>Maps the routes.</summary>
    public static void Map(MLflowRoutes mlflow)
    {
        mlflow.Post<EvaluationDatasetApi>("datasets/create", MLflowActions.WriteEvaluation, (api, call) => api.CreateAsync(call));
        mlflow.Both<EvaluationDatasetApi>("datasets/search", MLflowActions.ReadEvaluation, (api, call) => api.SearchAsync(call));
        mlflow.Get<EvaluationDatasetApi>("datasets/{dataset}", MLflowActions.ReadEvaluation, (api, call) => api.GetAsync(call));
        mlflow.On<EvaluationDatasetApi>("DELETE", "datasets/{dataset}", MLflowActions.DeleteEvaluation, (api, call) => api.DeleteAsync(call));
        mlflow.On<EvaluationDatasetApi>("PATCH", "datasets/{dataset}/tags", MLflowActions.WriteEvaluation, (api, call) => api.SetTagsAsync(call));
        mlflow.On<EvaluationDatasetApi>("DELETE", "datasets/{dataset}/tags/{key}", MLflowActions.WriteEvaluation, (api, call) => api.DeleteTagAsync(call));
        mlflow.On<EvaluationDatasetApi>("POST", "datasets/{dataset}/records", MLflowActions.WriteEvaluation, (api, call) => api.UpsertAsync(call)).WithBodyLimit(MaxRecordBytes);
        mlflow.Get<EvaluationDatasetApi>("datasets/{dataset}/records", MLflowActions.ReadEvaluation, (api, call) => api.RecordsAsync(call));
        mlflow.Get<EvaluationDatasetApi>("datasets/{dataset}/experiment-ids", MLflowActions.ReadEvaluation, (api, call) => api.ExperimentsAsync(call));
        mlflow.Post<EvaluationDatasetApi>("datasets/{dataset}/add-experiments", MLflowActions.WriteEvaluation, (api, call) => api.AddExperimentsAsync(call));
        mlflow.Post<EvaluationDatasetApi>("datasets/{dataset}/remove-experiments", MLflowActions.WriteEvaluation, (api, call) => api.RemoveExperimentsAsync(call));
        mlflow.On<ScorerApi>("POST", "scorers/register", MLflowActions.WriteEvaluation, (api, call) => api.RegisterAsync(call)).WithBodyLimit(MaxScorerBytes);
        mlflow.Get<ScorerApi>("scorers/list", MLflowActions.ReadEvaluation, (api, call) => api.ListAsync(call));
        mlflow.Get<ScorerApi>("scorers/versions", MLflowActions.ReadEvaluation, (api, call) => api.VersionsAsync(call));
        mlflow.Get<ScorerApi>("scorers/get", MLflowActions.ReadEvaluation, (api, call) => api.GetAsync(call));
        mlflow.On<ScorerApi>("DELETE", "scorers/delete", MLflowActions.DeleteEvaluation, (api, call) => api.DeleteAsync(call));
    }
}
