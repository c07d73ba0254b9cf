namespace AiPlatform.Contracts.Runners;

/// <summary>Whether a runner can take work.</summary>
public enum RunnerStatus
{
    /// <summary>It sends heartbeats.</summary>
    Online,

    /// <summary>It ends what it has and takes nothing new.</summary>
    Draining,

    /// <summary>Its heartbeats stopped.</summary>
    Offline,
}

/// <summary>A device of a runner.</summary>
/// <param name="Index">From 0.</param>
/// <param name="Kind"><c>gpu</c> or <c>cpu</c>.</param>
/// <param name="Uuid">NVML's UUID for GPUs.</param>
/// <param name="MemoryBytes">The device's whole memory.</param>
public sealed record Device(int Index, string Kind, string Name, string? Uuid, long MemoryBytes);

/// <summary>One reading of a device.</summary>
/// <param name="UtilizationPercent">0–100.</param>
/// <param name="PowerWatts">Null where the device does not say.</param>
public sealed record DeviceSample(
    int Index, double? UtilizationPercent, long? MemoryUsedBytes, double? TemperatureCelsius, double? PowerWatts,
    IReadOnlyList<DeviceProcess>? Processes = null);

/// <summary>A process that uses a device.</summary>
public sealed record DeviceProcess(int ProcessId, long MemoryBytes, string? JobId = null);

/// <summary>Registers a runner, or the same runner's new life.</summary>
/// <param name="Id">Stable; kept in the runner's data directory.</param>
/// <param name="SessionId">New at each start; nodes of older sessions are lost at once.</param>
/// <param name="Slots">Nodes that it runs at the same time.</param>
public sealed record RegisterRunnerRequest(
    string Id, string SessionId, string Name, string Pool, int Slots, string Host, IReadOnlyList<Device> Devices, string? Version = null);

/// <summary>What the platform tells a registered runner.</summary>
public sealed record RunnerRegistration(Runner Runner, double HeartbeatSeconds);

/// <summary>A runner as the API shows it.</summary>
public sealed record Runner(
    string Id, string Name, string Pool, RunnerStatus Status, int Slots, int BusySlots, string Host, string? Version,
    IReadOnlyList<Device> Devices, IReadOnlyList<DeviceSample> Samples, DateTimeOffset RegisteredAt, DateTimeOffset LastHeartbeatAt);

/// <summary>A node that a runner works on.</summary>
public sealed record RunningNode(string JobId, int Attempt, int Node);

/// <summary>A sign of life.</summary>
public sealed record HeartbeatRequest(
    string SessionId, bool Draining, IReadOnlyList<DeviceSample> Samples, IReadOnlyList<RunningNode> Nodes);

/// <summary>What a runner is to do.</summary>
public enum RunnerCommandKind
{
    /// <summary>Stop the node's whole process tree.</summary>
    Cancel,

    /// <summary>Ask the training code for a checkpoint.</summary>
    Checkpoint,

    /// <summary>Take nothing new.</summary>
    Drain,
}

/// <summary>A command; repeated in every heartbeat until it has taken effect.</summary>
/// <param name="Node">Null for commands to the runner itself.</param>
public sealed record RunnerCommand(RunnerCommandKind Kind, RunningNode? Node = null, string? Reason = null);

/// <summary>A fresh token for a node that runs.</summary>
public sealed record RefreshedJobToken(RunningNode Node, string JobToken, int ExpiresIn);

/// <summary>The answer to a heartbeat.</summary>
public sealed record HeartbeatResponse(IReadOnlyList<RunnerCommand> Commands, IReadOnlyList<RefreshedJobToken> Tokens);
