using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.Metrics;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>A run with everything that clients show and search.</summary>
internal sealed class RunDocument
{
    private byte[]? _written;

    public required string Id { get; init; }

    public required string ExperimentId { get; init; }

    public required string Name { get; init; }

    public string? UserName { get; init; }

    /// <summary>In MLflow's spelling: RUNNING, SCHEDULED, FINISHED, FAILED, KILLED.</summary>
    public required string Status { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public bool Deleted { get; init; }

    /// <summary>Newest values, ordered by key.</summary>
    public IReadOnlyList<LatestMetric> Metrics { get; set; } = [];

    public List<KeyValuePair<string, string>> Params { get; } = [];

    public List<KeyValuePair<string, string>> Tags { get; } = [];

    public List<InputRow> Inputs { get; } = [];

    public List<(string ModelId, string Direction, long Step)> Models { get; } = [];

    /// <summary>The experiment's location where clients write artifacts themselves; null for the proxy below the tracking URI.</summary>
    public string? ArtifactLocation { get; init; }

    /// <summary>Where clients find a run's artifacts.</summary>
    public static string Artifacts(string? location, string experimentId, string runId)
        => LocationUri.Below(location ?? $"mlflow-artifacts:/{experimentId}", $"{runId}/artifacts");

    /// <summary>How much memory the document takes, in entries.</summary>
    public int Weight => 8 + Metrics.Count + Params.Count + Tags.Count + (2 * Inputs.Count) + Models.Count;

    /// <summary>The same run with other metrics.</summary>
    public RunDocument With(IReadOnlyList<LatestMetric> metrics)
    {
        var copy = (RunDocument)MemberwiseClone();
        copy._written = null;
        copy.Metrics = metrics;
        return copy;
    }

    /// <summary>The run as somebody writes it, made once: whoever keeps runs writes them again and again.</summary>
    public byte[] Written(Func<RunDocument, byte[]> write) => _written ??= write(this);
}

/// <summary>A data set that went into a run.</summary>
internal sealed record InputRow(string Name, string Digest, string SourceType, string Source, string? Schema, string? Profile, string Tags);
