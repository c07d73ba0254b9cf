namespace AiPlatform.Tracking.Search;

/// <summary>Section <c>MLflow</c>, whose search language this is.</summary>
internal sealed class SearchOptions
{
    public const string Section = "MLflow";

    /// <summary>
    /// How much an instance keeps in memory of the runs that are searched, in entries: each metric, param and tag of a run is one, a run by itself is
    /// eight; an entry takes about 200 bytes. Experiments that would take more than half of it are searched in the database. 0: all are.
    /// </summary>
    public int IndexedEntries { get; set; } = 800_000;
}
