namespace AiPlatform.Data.Datasets.Imports;

/// <summary>What imports may take; section <c>Datasets:Imports</c>.</summary>
internal sealed class ImportOptions
{
    public const string Section = "Datasets:Imports";

    /// <summary>Most bytes of one import, expanded.</summary>
    public long MaxBytes { get; set; } = 200L << 30;

    /// <summary>Most bytes that one byte of an archive may expand to. Text compresses 20 times, deflate ends at 1,032.</summary>
    public int MaxRatio { get; set; } = 200;

    /// <summary>Containers that people may import from by name: SAS URLs that may list and read. They may be on private addresses.</summary>
    public Dictionary<string, string> Containers { get; set; } = new(StringComparer.Ordinal);

    /// <summary>How long the URL of the staging blob works; every step gets a fresh one.</summary>
    public TimeSpan StagingUrlLifetime { get; set; } = TimeSpan.FromHours(12);
}
