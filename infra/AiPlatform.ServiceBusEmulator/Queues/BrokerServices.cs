using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>What every queue uses.</summary>
/// <param name="Writer">Makes changes durable.</param>
/// <param name="Store">Reads messages.</param>
/// <param name="Metrics">The broker's metrics.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">Takes note of failures.</param>
/// <param name="Router">Finds the places of messages.</param>
/// <param name="Moved">Hands durable messages to the entities that they went to. Called by the writer, in order.</param>
/// <param name="Stopping">Cancelled when the broker stops.</param>
internal sealed record BrokerServices(
    MessageWriter Writer,
    MessageStore Store,
    BrokerMetrics Metrics,
    TimeProvider Time,
    ILogger Logger,
    MessageRouter Router,
    Action<IReadOnlyList<MessageMove>> Moved,
    CancellationToken Stopping);
