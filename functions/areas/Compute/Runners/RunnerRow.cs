using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Runners;

namespace AiPlatform.Compute.Runners;

/// <summary>A row of <c>runners</c> with its newest samples.</summary>
internal sealed class RunnerRow
{
    public const string Select = """
        SELECT r.id, r.name, r.pool, r.status, r.draining, r.slots, r.host, r.version, r.devices, r.registered_at, r.last_heartbeat_at, s.samples,
               (SELECT count(*)::int FROM job_nodes n WHERE n.runner_id = r.id AND n.ended_at IS NULL) AS busy_slots
        FROM runners r LEFT JOIN runner_samples s ON s.runner_id = r.id
        """;

    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string Pool { get; init; }

    public RunnerStatus Status { get; init; }

    public bool Draining { get; init; }

    public int Slots { get; init; }

    public int BusySlots { get; init; }

    public required string Host { get; init; }

    public string? Version { get; init; }

    public required string Devices { get; init; }

    public string? Samples { get; init; }

    public DateTimeOffset RegisteredAt { get; init; }

    public DateTimeOffset LastHeartbeatAt { get; init; }

    public Runner ToContract() => new(
        Id, Name, Pool, Status == RunnerStatus.Online && Draining ? RunnerStatus.Draining : Status, Slots, BusySlots, Host, Version,
        JsonSerializer.Deserialize<Device[]>(Devices, ContractsJson.Tolerant)!,
        Samples is null ? [] : JsonSerializer.Deserialize<DeviceSample[]>(Samples, ContractsJson.Tolerant)!,
        RegisteredAt, LastHeartbeatAt);
}
