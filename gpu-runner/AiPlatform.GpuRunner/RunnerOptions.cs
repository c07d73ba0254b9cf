using System.ComponentModel.DataAnnotations;
using AiPlatform.GpuRunner.Launch;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner;

/// <summary>Configuration section <c>Runner</c>.</summary>
internal sealed class RunnerOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Runner";

    /// <summary>Spools, logs, workspaces and the dataset cache; one runner per directory.</summary>
    [Required]
    public string DataDirectory { get; set; } = "runner-data";

    /// <summary>Which queues it reads.</summary>
    [Required]
    [RegularExpression("^[a-z0-9][a-z0-9-]{0,62}$")]
    public string Pool { get; set; } = "default";

    /// <summary>Shown to people.</summary>
    [Required]
    public string Name { get; set; } = Environment.MachineName;

    /// <summary>The platform's API.</summary>
    [Required]
    [Url]
    public string ApiUrl { get; set; } = "http://127.0.0.1:7071";

    /// <summary>Secret of the service identity <c>runner</c>.</summary>
    [Required]
    public string ClientSecret { get; set; } = "";

    /// <summary>Port of <c>/health</c> and <c>/metrics</c> on 127.0.0.1; 0 for a free one, null for the urls of ASP.NET Core.</summary>
    [Range(0, 65535)]
    public int? HttpPort { get; set; }

    /// <summary>The Python that runs training code.</summary>
    [Required]
    public string Python { get; set; } = "/usr/bin/python3";

    /// <summary>Folder with <c>aiplatform_runtime</c> and <c>recipes</c>; null for the one beside the program.</summary>
    public string? PythonDirectory { get; set; }

    /// <summary>Nodes at the same time.</summary>
    [Range(1, 64)]
    public int MaxNodes { get; set; } = 1;

    /// <summary>Python tasks of queues at the same time, beside the nodes; 0 for none.</summary>
    [Range(0, 64)]
    public int MaxTasks { get; set; } = 1;

    /// <summary>Where other machines reach this one; null: loopback when the API is there, else the first address of this machine.</summary>
    public string? Host { get; set; }

    /// <summary>Account for job code when the runner is root; null: the runner's own.</summary>
    public string? RunAs { get; set; }

    /// <summary>What job code may use.</summary>
    [Required]
    [ValidateObjectMembers]
    public JobLimits Limits { get; set; } = new();

    /// <summary>Whether job code sees only its own files and processes.</summary>
    public SandboxMode Sandbox { get; set; } = SandboxMode.Auto;

    /// <summary>
    /// TCP ports that job code cannot take, so that it cannot pose as a server of the platform that is just starting again. Needs Linux 6.7;
    /// else the log says that they are open.
    /// </summary>
    public int[] ReservedPorts { get; set; } = [];

    /// <summary>
    /// How often a program is started when the machine refuses only for now, because others hold all processes or namespaces; with pauses
    /// of up to ten seconds in between.
    /// </summary>
    [Range(1, 1_000)]
    public int StartAttempts { get; set; } = 30;

    /// <summary>Further folders that job code may read in its sandbox, such as shared libraries outside of /usr.</summary>
    public string[] SandboxFolders { get; set; } = [];

    /// <summary>The NVML library; a missing one means CPU only.</summary>
    [Required]
    public string NvmlLibrary { get; set; } = "libnvidia-ml.so.1";

    /// <summary>Bytes of one rank's log, the rest is dropped with a line that says so.</summary>
    [Range(1_024, long.MaxValue)]
    public long LogLimitBytes { get; set; } = 64L << 20;

    /// <summary>Bytes that one spool may hold unsent; then the ranks wait.</summary>
    [Range(65_536, long.MaxValue)]
    public long SpoolLimitBytes { get; set; } = 1L << 30;

    /// <summary>Bytes of artifacts of one node that may wait for the store; then the ranks wait.</summary>
    [Range(1_048_576, long.MaxValue)]
    public long ContentLimitBytes { get; set; } = 20L << 30;

    /// <summary>How long the copy of one artifact may take; the rank that sent it hears of a longer one.</summary>
    public TimeSpan CopyPatience { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Bytes of datasets kept for later jobs.</summary>
    [Range(0, long.MaxValue)]
    public long CacheLimitBytes { get; set; } = 20L << 30;

    /// <summary>Between TERM and KILL.</summary>
    public TimeSpan KillGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Between sends of new metrics.</summary>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Between readings of the machine that go into the run's metrics; zero for none.</summary>
    public TimeSpan SystemMetricsInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Between sends of new log bytes.</summary>
    public TimeSpan LogInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Pause between two rounds over the queues when they are empty.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long one receive waits at empty queues; a message that comes ends the wait.</summary>
    public TimeSpan ReceiveWait { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a claim is tried while the API is away, before the message goes back to the queue.</summary>
    public TimeSpan ClaimPatience { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long an unsent spool of an earlier life is kept when the platform refuses it.</summary>
    public TimeSpan LeftoverRetention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a stopping runner waits for its reports to be sent; the rest follows at the next start.</summary>
    public TimeSpan StopPatience { get; set; } = TimeSpan.FromSeconds(5);
}
