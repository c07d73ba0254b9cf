namespace AiPlatform.Tracking;

/// <summary>Section <c>MLflow</c>.</summary>
internal sealed class MLflowOptions
{
    public const string Section = "MLflow";

    /// <summary>
    /// Where clients write artifacts themselves: <c>file:///shared/folder</c>, or <c>wasbs://container@account.blob.core.windows.net/prefix</c> in the
    /// platform's storage account. Null: clients go through the proxy. Experiments keep the place that they were created with.
    /// </summary>
    public string? ArtifactRoot { get; set; }

    /// <summary>
    /// Whether clients reach the storage account by themselves: MLflow's clients are then told to send large files to it, and to read them
    /// from it, in parts. Otherwise they go through the proxy, unless they are set up for parts.
    /// </summary>
    public bool DirectTransfers { get; set; }

    /// <summary>
    /// How much an instance keeps in memory of the runs that are searched, in entries: each metric, param and tag of a run is one, a run by itself is
    /// eight; an entry takes about 200 bytes. Experiments that would take more than half of it are searched in the database. 0: all are.
    /// </summary>
    public int IndexedEntries { get; set; } = 800_000;
}
