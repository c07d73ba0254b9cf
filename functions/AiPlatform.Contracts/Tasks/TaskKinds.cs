namespace AiPlatform.Contracts.Tasks;

/// <summary>The kinds of long operations, as <see cref="PlatformTask.Kind"/> names them.</summary>
public static class TaskKinds
{
    /// <summary>A training job.</summary>
    public const string TrainingJob = "trainingJob";

    /// <summary>An import into a dataset.</summary>
    public const string DatasetImport = "datasetImport";

    /// <summary>A quality report.</summary>
    public const string QualityReport = "qualityReport";

    /// <summary>A task of a queue.</summary>
    public const string QueueTask = "queueTask";

    /// <summary>An orchestration of the task hub, which belongs to no project.</summary>
    public const string Orchestration = "orchestration";
}
