namespace AiPlatform.Tracking.Metrics;

/// <summary>Who numbers points.</summary>
internal readonly record struct MetricSource(string RunId, int Attempt, string Source)
{
    /// <summary>What the names of sources begin with that read the machine (the rest is the node): they say nothing about where training goes on.</summary>
    public const string SystemPrefix = "system-";

    /// <summary>Whether the source reads the machine.</summary>
    public bool IsSystem => Source.StartsWith(SystemPrefix, StringComparison.Ordinal);
}

/// <summary>One batch of points of one run, as it waits for the group commit.</summary>
internal sealed class MetricBatch
{
    private readonly MetricRow[] _points;

    private MetricBatch(string runId, int attempt, MetricRow[] points)
    {
        (RunId, Attempt, _points) = (runId, attempt, points);
        // Here and not in the writer: requests encode side by side, the writer is one.
        Payload = MetricPayload.Encode(points);
    }

    public string RunId { get; }

    public int Attempt { get; }

    /// <summary>Null when the points are not numbered.</summary>
    public MetricSource? Source { get; private init; }

    /// <summary>Sequence of the first point; the others follow without gaps.</summary>
    public long FirstSequence { get; private init; }

    public int Count => _points.Length;

    /// <summary>All points, encoded.</summary>
    public byte[] Payload { get; }

    /// <summary>Set by the writer: why this batch alone was refused.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Set by the writer: how many points were new.</summary>
    public int Stored { get; set; }

    /// <summary>Set by the writer: the first sequence of the source that is not stored.</summary>
    public long NextSequence { get; set; }

    /// <summary>Points that their source numbers.</summary>
    public static MetricBatch Numbered(MetricSource source, long firstSequence, MetricRow[] points)
        => new(source.RunId, source.Attempt, points) { Source = source, FirstSequence = firstSequence };

    /// <summary>Points without numbers.</summary>
    public static MetricBatch Unnumbered(string runId, int attempt, MetricRow[] points) => new(runId, attempt, points);

    /// <summary>The payload of the points with these sequences.</summary>
    public byte[] PayloadOf(IReadOnlyList<(long First, long Last)> sequences)
        => Stored == Count
            ? Payload
            : MetricPayload.Encode([.. sequences.SelectMany(range => _points.AsSpan((int)(range.First - FirstSequence), (int)(range.Last - range.First + 1)).ToArray())]);
}
