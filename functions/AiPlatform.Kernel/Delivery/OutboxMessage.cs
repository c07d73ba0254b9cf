using System.Text.Json;
using AiPlatform.Contracts;

namespace AiPlatform.Kernel.Delivery;

/// <summary>An effect on an orchestration that belongs to a transaction. Messages to one instance are delivered in order.</summary>
/// <param name="Kind">One of the kinds of this class.</param>
/// <param name="InstanceId">The orchestration instance.</param>
/// <param name="Name">The orchestration's or the event's name; null for <see cref="Terminate"/>.</param>
/// <param name="Payload">JSON; null for none.</param>
public sealed record OutboxMessage(string Kind, string InstanceId, string? Name, string? Payload)
{
    public const string StartKind = "start-orchestration";
    public const string EventKind = "raise-event";
    public const string TerminateKind = "terminate";

    /// <summary>Starts an orchestration; an instance with this id that exists already is left as it is.</summary>
    public static OutboxMessage Start<T>(string orchestration, string instanceId, T input)
        => new(StartKind, instanceId, orchestration, JsonSerializer.Serialize(input, ContractsJson.Strict));

    /// <summary>Raises an external event; an instance that has ended ignores it.</summary>
    public static OutboxMessage Raise<T>(string instanceId, string eventName, T payload)
        => new(EventKind, instanceId, eventName, JsonSerializer.Serialize(payload, ContractsJson.Strict));

    /// <summary>Terminates an instance.</summary>
    public static OutboxMessage Terminate(string instanceId, string reason)
        => new(TerminateKind, instanceId, null, JsonSerializer.Serialize(reason, ContractsJson.Strict));
}
