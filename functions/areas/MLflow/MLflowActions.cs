using AiPlatform.Kernel.Access;

namespace AiPlatform.MLflow;

/// <summary>What can be done with what MLflow has and other areas have not: traces and evaluation.</summary>
internal static class MLflowActions
{
    public static readonly AccessAction ReadEvaluation = new("mlflow.evaluation", Verbs.Read);
    public static readonly AccessAction WriteEvaluation = new("mlflow.evaluation", Verbs.Write);
    public static readonly AccessAction DeleteEvaluation = new("mlflow.evaluation", Verbs.Delete);

    public static readonly AccessAction ReadServer = new("mlflow.server", Verbs.Read);

    public static readonly AccessAction ReadTrace = new("mlflow.trace", Verbs.Read);
    public static readonly AccessAction LogTrace = new("mlflow.trace", Verbs.Log);
}
