namespace AiPlatform.Data.Datasets;

/// <summary>Limits of datasets; section <c>Datasets</c>.</summary>
internal sealed class DatasetOptions
{
    public const string Section = "Datasets";

    /// <summary>Most files in one version.</summary>
    public int MaxFiles { get; set; } = 10_000;

    /// <summary>Most bytes in one file.</summary>
    public long MaxFileBytes { get; set; } = 200L << 30;

    /// <summary>How many files a commit reads back at the same time.</summary>
    public int VerifyConcurrency { get; set; } = 4;

    /// <summary>After so long a commit begins no further file and answers that there is more to do.</summary>
    public TimeSpan CommitSlice { get; set; } = TimeSpan.FromSeconds(40);

    /// <summary>How long an upload URL works.</summary>
    public TimeSpan UploadUrlLifetime { get; set; } = TimeSpan.FromHours(4);

    /// <summary>A draft that was not committed for so long is given up and its uploads are freed.</summary>
    public TimeSpan DraftLifetime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How long a download URL works.</summary>
    public TimeSpan DownloadUrlLifetime { get; set; } = TimeSpan.FromHours(4);
}
