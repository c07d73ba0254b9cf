using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Search;

/// <summary>How searches in SQL find what belongs to runs (<c>r</c>) and their experiments (<c>e</c>).</summary>
internal static class RunColumns
{
    public static readonly SearchColumns Sql = new(
        static attribute => attribute switch
        {
            "run_id" => "r.id",
            "run_name" => "r.name",
            "status" => "upper(r.status)",
            "user_id" => "r.user_name",
            "start_time" => "floor(extract(epoch FROM r.started_at) * 1000)",
            "end_time" => "floor(extract(epoch FROM r.ended_at) * 1000)",
            "experiment_id" => "e.mlflow_id",
            "artifact_uri" => "regexp_replace(coalesce(e.artifact_location, 'mlflow-artifacts:/' || e.mlflow_id), '([?].*)?$', '/' || r.id || '/artifacts\\1')",
            _ => throw MLflowException.Invalid($"Invalid attribute key '{attribute}'."),
        },
        static (kind, key) => kind switch
        {
            EntityKind.Metric => new EntityRows("metric_summaries {0}", "{0}.run_id = r.id AND {0}.key = {1}", "{0}.last_value"),
            EntityKind.Param => new EntityRows("run_params {0}", "{0}.run_id = r.id AND {0}.key = {1}", "{0}.value"),
            EntityKind.Tag => new EntityRows("run_tags {0}", "{0}.run_id = r.id AND {0}.key = {1}", "{0}.value"),
            EntityKind.Dataset => new EntityRows("run_inputs {0}", "{0}.run_id = r.id", key switch
            {
                "name" => "{0}.name",
                "digest" => "{0}.digest",
                _ => "({0}.tags ->> 'mlflow.data.context')",
            }),
            EntityKind.Attribute => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Attributes are columns."),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind."),
        });
}
