using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.GpuRunner.Report;

/// <summary>The Service Bus queue of job events.</summary>
internal sealed class ServiceBusJobEventSink(ServiceBusClient client) : IJobEventSink, IAsyncDisposable
{
    private readonly ServiceBusSender _sender = client.CreateSender(JobQueues.Events);

    /// <inheritdoc />
    public Task SendAsync(JobEvent jobEvent, CancellationToken cancellationToken)
    {
        var message = new ServiceBusMessage(BinaryData.FromBytes(JsonSerializer.SerializeToUtf8Bytes(jobEvent, ContractsJson.Strict)))
        {
            MessageId = jobEvent.EventId,
            ContentType = "application/json",
            Subject = jobEvent.JobId,
        };
        return _sender.SendMessageAsync(message, cancellationToken);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _sender.DisposeAsync();
}
