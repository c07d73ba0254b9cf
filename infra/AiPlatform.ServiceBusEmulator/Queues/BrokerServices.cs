using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>What every queue uses.</summary>
internal sealed record BrokerServices(
    MessageWriter Writer,
    MessageStore Store,
    BrokerMetrics Metrics,
    TimeProvider Time,
    ILogger Logger,
    CancellationToken Stopping);
