namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>A run as the naive evaluator of searches knows it.</summary>
internal sealed record NaiveRun(
    string Id, string Name, long Start, long? End, string Status,
    IReadOnlyDictionary<string, double> Metrics, IReadOnlyDictionary<string, string> Params, IReadOnlyDictionary<string, string> Tags, IReadOnlyList<NaiveDataset> Datasets)
{
    /// <summary>The order of runs that have equal keys: newest first, then by id.</summary>
    public static int Natural(NaiveRun left, NaiveRun right)
        => left.Start != right.Start ? right.Start.CompareTo(left.Start) : string.CompareOrdinal(left.Id, right.Id);
}

/// <summary>A data set of a run.</summary>
internal sealed record NaiveDataset(string Name, string Digest, string? Context);
