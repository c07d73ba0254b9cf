namespace AiPlatform.Compute.Jobs;

/// <summary>Limits and habits of jobs; section <c>Jobs</c>.</summary>
internal sealed class JobOptions
{
    public const string Section = "Jobs";

    /// <summary>Built-in recipes; empty configuration means the ones that ship with the runner.</summary>
    public string[] Recipes { get; set; } = [];

    /// <summary>Runner pools that have queues; empty configuration means the default one.</summary>
    public string[] Pools { get; set; } = [];

    /// <summary>Most bytes of a job's parameters as JSON.</summary>
    public int MaxParamsBytes { get; set; } = 64 * 1024;

    /// <summary>Most bytes of a job's code, all files together.</summary>
    public int MaxCodeBytes { get; set; } = 1_000_000;

    /// <summary>Most bytes of one chunk of a log.</summary>
    public int MaxLogChunkBytes { get; set; } = 1024 * 1024;

    /// <summary>Most bytes of a log that one read answers.</summary>
    public int MaxLogReadBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>A job that asked for capacity and was refused keeps its place in line for so long without asking again.</summary>
    public TimeSpan PlaceInLine { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many waiting jobs are told about free capacity at once: enough to fill it, few enough not to stampede.</summary>
    public int CapacityWakes { get; set; } = 8;

    /// <summary>How long the URLs of dataset files in an assignment work.</summary>
    public TimeSpan DatasetUrlLifetime { get; set; } = TimeSpan.FromHours(12);

    public IReadOnlyCollection<string> KnownRecipes => Recipes.Length > 0 ? Recipes : ["image-classifier"];

    public IReadOnlyCollection<string> KnownPools => Pools.Length > 0 ? Pools : ["default"];
}
