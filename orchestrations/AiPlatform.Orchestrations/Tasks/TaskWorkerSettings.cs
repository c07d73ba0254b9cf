using System.ComponentModel.DataAnnotations;

namespace AiPlatform.Orchestrations.Tasks;

/// <summary>Configuration section <c>Tasks</c>: the light tasks of queues that this process runs.</summary>
public sealed class TaskWorkerSettings
{
    /// <summary>The section's name.</summary>
    public const string Section = "Tasks";

    /// <summary>The pools whose light tasks are run; empty configuration means the default one.</summary>
    public string[] Pools { get; set; } = [];

    /// <summary>Tasks of one pool at once.</summary>
    [Range(1, 10_000)]
    public int Slots { get; set; } = 128;

    /// <summary>
    /// Hosts (names or addresses) that <c>http</c> tasks may call although they lead into private networks. Every other private, loopback
    /// or link-local address is refused: tasks are written by users and must not reach what only the platform reaches.
    /// </summary>
    public string[] AllowedPrivateHosts { get; set; } = [];
}
