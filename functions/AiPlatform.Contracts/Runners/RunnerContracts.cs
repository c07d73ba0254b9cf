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
/// <param name="Name">The device's model, as its driver names it.</param>
/// <param name="Uuid">NVML's UUID for GPUs.</param>
/// <param name="MemoryBytes">The device's whole memory.</param>
public sealed record Device(int Index, string Kind, string Name, string? Uuid, long MemoryBytes);

/// <summary>One reading of a device.</summary>
/// <param name="Index">The device's number on its machine, from 0.</param>
/// <param name="UtilizationPercent">0–100.</param>
/// <param name="MemoryUsedBytes">Device memory in use, in bytes.</param>
/// <param name="TemperatureCelsius">Temperature in °C; null where it is not measured.</param>
/// <param name="PowerWatts">Null where the device does not say.</param>
/// <param name="Processes">The processes that use it.</param>
public sealed record DeviceSample(
    int Index, double? UtilizationPercent, long? MemoryUsedBytes, double? TemperatureCelsius, double? PowerWatts,
    IReadOnlyList<DeviceProcess>? Processes = null);

/// <summary>A process that uses a device.</summary>
/// <param name="ProcessId">The process's id on its machine.</param>
/// <param name="MemoryBytes">Device memory that it holds, in bytes.</param>
/// <param name="JobId">The job that it belongs to; null for a stranger's.</param>
public sealed record DeviceProcess(int ProcessId, long MemoryBytes, string? JobId = null);

/// <summary>Registers a runner, or the same runner's new life.</summary>
/// <example>
/// {"id": "0198c7a4d2f17c5e8a3b6d9e0f124578", "sessionId": "0198c7a4d2f17c5e8a3b6d9e0f124579", "name": "gpu-1",
/// "pool": "default", "slots": 8, "host": "10.0.0.4", "devices": [{"index": 0, "kind": "gpu", "name":
/// "NVIDIA H200", "uuid": "GPU-8f2c1a7e", "memoryBytes": 150754820096}]}
/// </example>
/// <param name="Id">Stable; kept in the runner's data directory.</param>
/// <param name="SessionId">New at each start; nodes of older sessions are lost at once.</param>
/// <param name="Name">Its name, unique in the pool.</param>
/// <param name="Pool">The pool's name.</param>
/// <param name="Slots">Nodes that it runs at the same time.</param>
/// <param name="Host">The machine's name.</param>
/// <param name="Devices">Its devices.</param>
/// <param name="Version">The version of its software.</param>
public sealed record RegisterRunnerRequest(
    string Id, string SessionId, string Name, string Pool, int Slots, string Host, IReadOnlyList<Device> Devices, string? Version = null);

/// <summary>What the platform tells a registered runner.</summary>
/// <param name="Runner">The runner.</param>
/// <param name="HeartbeatSeconds">Seconds between two heartbeats.</param>
public sealed record RunnerRegistration(Runner Runner, double HeartbeatSeconds);

/// <summary>A runner as the API shows it.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Name">Its name.</param>
/// <param name="Pool">The pool's name.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Slots">Processes that it can run at once.</param>
/// <param name="BusySlots">Processes that it runs.</param>
/// <param name="Host">The machine's name.</param>
/// <param name="Version">The version of its software; null when it did not say.</param>
/// <param name="Devices">Its devices.</param>
/// <param name="Samples">The newest measurement of each device.</param>
/// <param name="RegisteredAt">When it registered, or began its newest life.</param>
/// <param name="LastHeartbeatAt">When it was last heard of.</param>
public sealed record Runner(
    string Id, string Name, string Pool, RunnerStatus Status, int Slots, int BusySlots, string Host, string? Version,
    IReadOnlyList<Device> Devices, IReadOnlyList<DeviceSample> Samples, DateTimeOffset RegisteredAt, DateTimeOffset LastHeartbeatAt);

/// <summary>A node that a runner works on.</summary>
/// <param name="JobId">The job's id.</param>
/// <param name="Attempt">The attempt's number, from 1.</param>
/// <param name="Node">The node's number, from 0.</param>
public sealed record RunningNode(string JobId, int Attempt, int Node);

/// <summary>A sign of life.</summary>
/// <example>
/// {"sessionId": "0198c7a4d2f17c5e8a3b6d9e0f124579", "draining": false, "samples": [{"index": 0,
/// "utilizationPercent": 93, "memoryUsedBytes": 68719476736, "temperatureCelsius": 61, "powerWatts": 512.5}],
/// "nodes": [{"jobId": "0198c7a4d2f17c5e8a3b6d9e0f124578", "attempt": 1, "node": 0}]}
/// </example>
/// <param name="SessionId">The runner's life, as its registration named it.</param>
/// <param name="Draining">Whether it takes no more nodes.</param>
/// <param name="Samples">What its devices measured since the last heartbeat.</param>
/// <param name="Nodes">The nodes that it runs.</param>
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
/// <param name="Kind">What the runner is to do.</param>
/// <param name="Node">Null for commands to the runner itself.</param>
/// <param name="Reason">Why, for people; null when there is nothing to say.</param>
public sealed record RunnerCommand(RunnerCommandKind Kind, RunningNode? Node = null, string? Reason = null);

/// <summary>A fresh token for a node that runs.</summary>
/// <param name="Node">The node whose token it is.</param>
/// <param name="JobToken">The token.</param>
/// <param name="ExpiresIn">Seconds for which it is valid.</param>
public sealed record RefreshedJobToken(RunningNode Node, string JobToken, int ExpiresIn);

/// <summary>The answer to a heartbeat.</summary>
/// <param name="Commands">What the runner is to do.</param>
/// <param name="Tokens">Fresh tokens of jobs whose tokens end soon.</param>
public sealed record HeartbeatResponse(IReadOnlyList<RunnerCommand> Commands, IReadOnlyList<RefreshedJobToken> Tokens);
