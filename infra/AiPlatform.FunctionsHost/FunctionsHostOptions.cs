using System.ComponentModel.DataAnnotations;

namespace AiPlatform.FunctionsHost;

/// <summary>Options of the Functions host; configuration section <c>FunctionsHost</c>. They are kept from the worker.</summary>
public sealed class FunctionsHostOptions
{
    /// <summary>The section.</summary>
    public const string Section = "FunctionsHost";

    /// <summary>The folder of the app, with <c>host.json</c> and <c>worker.config.json</c>: what <c>dotnet publish</c> or a build leaves.</summary>
    [Required]
    public string AppDirectory { get; set; } = string.Empty;

    /// <summary>The address to listen on for HTTP.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The port for HTTP; 0 takes a free one.</summary>
    [Range(0, 65535)]
    public int HttpPort { get; set; } = 7071;

    /// <summary>
    /// Connection string of the PostgreSQL database in which several hosts of one app agree on who fires a timer, and that remembers what was
    /// missed. Without one this host fires every timer and forgets with its end.
    /// </summary>
    public string? Postgres { get; set; }

    /// <summary>Hosts of one name fire the timers of one app together; by default the name of the app's folder.</summary>
    public string? AppName { get; set; }

    /// <summary>Variables that the worker gets beside the host's own environment: the app settings.</summary>
    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    /// <summary>The largest request body, in bytes.</summary>
    [Range(1, long.MaxValue)]
    public long MaxRequestBodyBytes { get; set; } = 104_857_600;

    /// <summary>How long a request waits for a worker that starts.</summary>
    public TimeSpan WorkerWait { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many requests wait for a worker at once; further ones are refused.</summary>
    [Range(0, 1_000_000)]
    public int MaxWaitingRequests { get; set; } = 1000;

    /// <summary>How long a request may pass without a byte in either direction.</summary>
    public TimeSpan HttpIdleTimeout { get; set; } = TimeSpan.FromSeconds(240);

    /// <summary>How long a worker may take from its start until it has loaded every function.</summary>
    public TimeSpan StartLimit { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a stopping host waits for invocations that run.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a worker may take to end once it is told to.</summary>
    public TimeSpan TerminateTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a timer that runs belongs to its host after the host was last heard of.</summary>
    public TimeSpan TimerLease { get; set; } = TimeSpan.FromSeconds(30);
}
