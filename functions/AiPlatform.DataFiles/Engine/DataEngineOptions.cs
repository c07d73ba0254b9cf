namespace AiPlatform.DataFiles.Engine;

/// <summary>Bounds of the engine: what the queries of one process may take.</summary>
public sealed class DataEngineOptions
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "DataEngine";

    /// <summary>Where staged content and spilled data lie; emptied at the start. Processes may share it: each takes a folder of its own in it.</summary>
    public string Folder { get; set; } = Path.Combine(Path.GetTempPath(), "aiplatform-data");

    /// <summary>Bytes of staged content on disk at most.</summary>
    public long CacheBytes { get; set; } = 16L << 30;

    /// <summary>Bytes of memory that one session may take; beyond, it spills to disk.</summary>
    public long MemoryBytes { get; set; } = 160L << 20;

    /// <summary>Bytes that one session may spill to disk.</summary>
    public long SpillBytes { get; set; } = 16L << 30;

    /// <summary>Threads of one session.</summary>
    public int Threads { get; set; } = Math.Clamp(Environment.ProcessorCount, 1, 8);

    /// <summary>Sessions at the same time; more wait.</summary>
    public int Sessions { get; set; } = 3;

    /// <summary>How long one query may take.</summary>
    public TimeSpan QueryTime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long fetching and converting one file may take.</summary>
    public TimeSpan StageTime { get; set; } = TimeSpan.FromMinutes(30);
}
