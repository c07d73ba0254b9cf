namespace AiPlatform.Ports.Tracking;

/// <summary>What of experiments and runs the statements of other areas may read: <c>JOIN {TrackingRelations.Runs} r ON …</c>.</summary>
public static class TrackingRelations
{
    /// <summary>Experiments, deleted and purged ones too; <c>mlflow_id</c> is the id that MLflow's clients know.</summary>
    public const string Experiments = """
        (SELECT id, project_id, name, mlflow_id, number, is_default, artifact_location, tags, created_at, updated_at, deleted_at, purged_at FROM experiments)
        """;

    /// <summary>Runs, deleted and purged ones too.</summary>
    public const string Runs = "(SELECT id, project_id, experiment_id, job_id, name, status_reason, deleted_at FROM runs)";

    /// <summary>The data that MLflow's clients said went into runs; <c>tags</c> say what for.</summary>
    public const string RunInputs = "(SELECT run_id, name, digest, tags FROM run_inputs)";

    /// <summary>What is known of metrics as a whole, up to the last call of <see cref="IRunMetrics.EnsureAsync"/>.</summary>
    public const string MetricSummaries = "(SELECT run_id, key, last_value FROM metric_summaries)";

    /// <summary>Artifacts of runs; <c>step</c> is that of a checkpoint.</summary>
    public const string Artifacts = "(SELECT run_id, path, kind, step, created_at FROM artifacts)";

    /// <summary>Logged models, deleted ones too.</summary>
    public const string LoggedModels = """
        (SELECT id, project_id, experiment_id, run_id, foreign_run_id, name, model_type, status, status_message, params, tags, created_by, created_at, updated_at, deleted_at
         FROM logged_models)
        """;

    /// <summary>The newest value of each metric of a logged model on a data set.</summary>
    public const string LoggedModelMetrics = "(SELECT model_id, key, dataset_name, dataset_digest, value, step, at FROM logged_model_metrics)";
}
