using System.ComponentModel.DataAnnotations;

namespace AiPlatform.TaskHub;

/// <summary>Options of the task hub; configuration section <c>TaskHub</c>.</summary>
internal sealed class TaskHubOptions
{
    public const string Section = "TaskHub";

    /// <summary>The address to listen on.</summary>
    [Required]
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>The port of the gRPC service (HTTP/2 without TLS); 0 takes a free one.</summary>
    [Range(0, 65535)]
    public int GrpcPort { get; init; } = 4001;

    /// <summary>The port of health and metrics (HTTP/1.1); 0 takes a free one.</summary>
    [Range(0, 65535)]
    public int HttpPort { get; init; } = 4002;

    /// <summary>The hub of calls that name none.</summary>
    [Required]
    public string DefaultHub { get; init; } = "default";

    /// <summary>
    /// Every call carries it as its bearer token: who starts orchestrations commands whatever they may do, and many can reach the port.
    /// </summary>
    [Required]
    [MinLength(16)]
    public string BearerToken { get; init; } = string.Empty;

    /// <summary>Work items of a kind that a worker gets at a time when it does not say.</summary>
    [Range(1, 100_000)]
    public int DefaultWorkerConcurrency { get; init; } = 100;

    /// <summary>How long a worker may think about one orchestrator turn.</summary>
    public TimeSpan TurnLease { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long activities of a lost worker may still report before they are delivered again.</summary>
    public TimeSpan ActivityLeaseGrace { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often an idle worker stream carries a health ping.</summary>
    public TimeSpan HealthPing { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a process says that it lives, and looks whether partitions should change hands.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a process that says nothing counts as living; then others take what it does not hold any more.</summary>
    public TimeSpan ProcessLease { get; init; } = TimeSpan.FromSeconds(1.2);

    /// <summary>How often a process looks for messages of others that it was not told of.</summary>
    public TimeSpan MessagePoll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Where other processes reach this one's gRPC service; by default its own address and port.</summary>
    public Uri? AdvertisedAddress { get; init; }

    /// <summary>How long a stopping process tries to write what it has decided.</summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The most instances that one purge call removes.</summary>
    [Range(1, 100_000)]
    public int PurgeBatch { get; init; } = 1000;

    /// <summary>The most operations that an entity's worker gets at a time.</summary>
    [Range(1, 10_000)]
    public int EntityBatch { get; init; } = 100;

    /// <summary>Sends entities' work in the protocol's first format, for workers that do not know the second.</summary>
    public bool EntityRequestV1 { get; init; }

    /// <summary>Payloads of more UTF-8 bytes are kept in Blob storage, if <c>ConnectionStrings:Blob</c> says where.</summary>
    [Range(1024, 64 * 1024 * 1024)]
    public int PayloadThreshold { get; init; } = 1024 * 1024;

    /// <summary>The container for large payloads.</summary>
    [Required]
    public string PayloadContainer { get; init; } = "taskhub-payloads";

    /// <summary>How often payloads that nothing names any more are looked for.</summary>
    public TimeSpan PayloadSweep { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How old a payload must be to be removed: longer than any call between storing it and writing what names it.</summary>
    public TimeSpan PayloadGrace { get; init; } = TimeSpan.FromHours(1);

    /// <summary>After so many deliveries in vain a work item is parked until its instance is resumed.</summary>
    [Range(1, 1000)]
    public int MaxDeliveries { get; init; } = 10;

    /// <summary>
    /// How long workers may give a work item back before it counts as poison: longer than a deployment, in which old workers give back
    /// what is meant for new ones.
    /// </summary>
    public TimeSpan AbandonPatience { get; init; } = TimeSpan.FromMinutes(15);
}
