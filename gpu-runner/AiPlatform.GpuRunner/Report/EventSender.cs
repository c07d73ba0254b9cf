using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Lease;

namespace AiPlatform.GpuRunner.Report;

/// <summary>Where job events go.</summary>
internal interface IJobEventSink
{
    /// <summary>Sends an event; ends when the broker has it.</summary>
    Task SendAsync(JobEvent jobEvent, CancellationToken cancellationToken);
}

/// <summary>Sends the events of a node in order.</summary>
internal sealed class EventSender(NodeKey node, DurableSpool spool, IJobEventSink sink, TimeProvider time, ILogger<EventSender> logger)
    : SpoolSender(node, spool, TimeSpan.FromSeconds(1), time, logger)
{
    /// <inheritdoc />
    protected override async Task<int> SendAsync(IReadOnlyList<SpoolRecord> records, CancellationToken cancellationToken)
    {
        var jobEvent = JsonSerializer.Deserialize<JobEvent>(records[0].Payload, ContractsJson.Tolerant)!;
        await sink.SendAsync(jobEvent, cancellationToken).ConfigureAwait(false);
        return 1;
    }
}
