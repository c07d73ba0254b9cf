using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Messaging;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>The Service Bus queues of a pool: one per priority, looked at in that order.</summary>
internal sealed class ServiceBusNodeQueue : INodeQueue, IAsyncDisposable
{
    // A look at an empty queue costs one round trip; a message that is there comes at once.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(30);

    private readonly ServiceBusReceiver[] _receivers;
    private readonly TimeProvider _time;
    private readonly ILogger<ServiceBusNodeQueue> _logger;

    public ServiceBusNodeQueue(ServiceBusClient client, IOptions<RunnerOptions> options, TimeProvider time, ILogger<ServiceBusNodeQueue> logger)
    {
        (_time, _logger) = (time, logger);
        _receivers =
        [
            .. Enum.GetValues<JobPriority>().Order().Select(priority => client.CreateReceiver(JobQueues.For(options.Value.Pool, priority))),
        ];
    }

    /// <inheritdoc />
    public async Task<INodeLease?> TryReceiveAsync(CancellationToken cancellationToken)
    {
        foreach (var receiver in _receivers)
        {
            if (await receiver.ReceiveMessageAsync(Look, cancellationToken).ConfigureAwait(false) is not { } message)
            {
                continue;
            }

            try
            {
                var node = JsonSerializer.Deserialize<NodeMessage>(message.Body.ToMemory().Span, ContractsJson.Tolerant)
                    ?? throw new JsonException("The body is null.");
                _ = NodeKey.Of(node);
                return new ServiceBusNodeLease(receiver, message, node, _time, _logger);
            }
            catch (Exception exception) when (exception is JsonException or FormatException)
            {
                Logs.BadMessage(_logger, message.MessageId, exception.Message);
                await receiver.DeadLetterMessageAsync(message, "invalid_message", exception.Message, cancellationToken).ConfigureAwait(false);
            }
        }

        return null;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var receiver in _receivers)
        {
            await receiver.DisposeAsync().ConfigureAwait(false);
        }
    }
}
