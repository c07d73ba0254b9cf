namespace AiPlatform.Functions.Features.Experiments;

/// <summary>Who numbers points.</summary>
internal readonly record struct MetricSource(string RunId, int Attempt, string Source);

/// <summary>One batch of points of one source, as it waits for the group commit.</summary>
internal sealed class MetricBatch(MetricSource source, long firstSequence, IReadOnlyList<MetricRow> points)
{
    public MetricSource Source { get; } = source;

    public string RunId => Source.RunId;

    public int Attempt => Source.Attempt;

    /// <summary>Sequence of the first point; the others follow without gaps.</summary>
    public long FirstSequence { get; } = firstSequence;

    public IReadOnlyList<MetricRow> Points { get; } = points;

    /// <summary>Set by the writer: the run went away between the request's check and the commit.</summary>
    public bool RunMissing { get; set; }

    /// <summary>Set by the writer: how many points were new.</summary>
    public int Stored { get; set; }

    /// <summary>Set by the writer: the first sequence of the source that is not stored.</summary>
    public long NextSequence { get; set; }
}

/// <summary>One point of a batch.</summary>
internal readonly record struct MetricRow(string Key, long Step, double Value, DateTime At);

/// <summary>Attempt <paramref name="Attempt"/> of the run goes on after <paramref name="Step"/>.</summary>
internal sealed record ResumeRow(string RunId, int Attempt, long Step);

/// <summary>What a source has sent so far.</summary>
internal sealed class MetricSourceRow
{
    public required string RunId { get; init; }

    public int Attempt { get; init; }

    public required string Source { get; init; }

    public long Points { get; set; }

    public long NextSequence { get; set; }

    public long MaxSequence { get; set; } = -1;
}

/// <summary>The newest value of a series, as live listeners see it.</summary>
/// <param name="Step">Training step.</param>
/// <param name="At">When the value was measured.</param>
/// <param name="Value">The value; NaN and infinities travel as strings.</param>
internal sealed record MetricLatest(long Step, DateTime At, double Value);
