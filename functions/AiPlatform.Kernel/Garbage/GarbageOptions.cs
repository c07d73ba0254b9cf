namespace AiPlatform.Kernel.Garbage;

/// <summary>Section <c>Garbage</c>: when deleted things go for good.</summary>
public sealed class GarbageOptions
{
    public const string Section = "Garbage";

    /// <summary>How long deleted projects, experiments, runs, models and datasets can be restored.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a blob stays after its last reference: longer than any request that may be about to refer to it again.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Most blobs of its containers, and most files below the artifact root, that one round deletes.</summary>
    public int MaxBlobsPerRound { get; set; } = 1_000;

    /// <summary>How long reports are kept.</summary>
    public TimeSpan Reports { get; set; } = TimeSpan.FromDays(90);
}
