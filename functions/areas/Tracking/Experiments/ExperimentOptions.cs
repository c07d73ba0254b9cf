namespace AiPlatform.Tracking.Experiments;

/// <summary>Limits of tracking; section <c>Experiments</c>.</summary>
internal sealed class ExperimentOptions
{
    public const string Section = "Experiments";

    /// <summary>Most points in one batch.</summary>
    public int MaxPointsPerBatch { get; set; } = 1_000;

    /// <summary>Most parameters, or tags, in one request and in one run's creation.</summary>
    public int MaxEntriesPerRequest { get; set; } = 200;

    /// <summary>Most bytes of one artifact: what one block blob can be given in one PUT.</summary>
    public long MaxArtifactBytes { get; set; } = 5_000L * 1024 * 1024;

    /// <summary>How long upload and download URLs work.</summary>
    public TimeSpan UrlLifetime { get; set; } = TimeSpan.FromHours(4);
}
