namespace AiPlatform.Ports.Operations;

/// <summary>A thing in the lineage graph.</summary>
public readonly record struct LineageEnd(string Kind, string Id)
{
    public const string DatasetVersionKind = "datasetVersion";
    public const string JobKind = "job";
    public const string RunKind = "run";
    public const string LoggedModelKind = "loggedModel";
    public const string ModelVersionKind = "modelVersion";
    public const string UserKind = "user";
    public const string ExternalDatasetKind = "externalDataset";
    public const string ExternalJobKind = "externalJob";
    public const string ExternalRunKind = "externalRun";

    public static LineageEnd DatasetVersion(string id) => new(DatasetVersionKind, id);

    public static LineageEnd Job(string id) => new(JobKind, id);

    public static LineageEnd Run(string id) => new(RunKind, id);

    public static LineageEnd ModelVersion(string id) => new(ModelVersionKind, id);

    public static LineageEnd User(string id) => new(UserKind, id);
}
