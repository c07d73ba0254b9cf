using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>The Service Bus queues of a pool: one per priority, looked at in that order.</summary>
internal sealed class ServiceBusNodeQueue : INodeQueue, IAsyncDisposable
{
    // A look at an empty queue costs one round trip; a message that is there comes at once.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(30);

    private readonly ServiceBusReceiver[] _receivers;
    private readonly TimeSpan _wait;
    private readonly TimeProvider _time;
    private readonly ILogger<ServiceBusNodeQueue> _logger;

    public ServiceBusNodeQueue(ServiceBusClient client, IOptions<RunnerOptions> options, TimeProvider time, ILogger<ServiceBusNodeQueue> logger)
    {
        (_wait, _time, _logger) = (options.Value.ReceiveWait, time, logger);
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
            if (await receiver.ReceiveMessageAsync(Look, cancellationToken).ConfigureAwait(false) is { } message
                && await OpenAsync(receiver, message, cancellationToken).ConfigureAwait(false) is { } lease)
            {
                return lease;
            }
        }

        return await WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    // While all of them are empty one receive waits at each: looking again and again would keep this process and the broker busy.
    // The first message ends the wait at the other queues. Should they have given one too, the most important is taken.
    private async Task<INodeLease?> WaitAsync(CancellationToken cancellationToken)
    {
        using var others = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var receives = Array.ConvertAll(_receivers, receiver => receiver.ReceiveMessageAsync(_wait, others.Token));
        var first = await Task.WhenAny(receives).ConfigureAwait(false);
        await others.CancelAsync().ConfigureAwait(false);
        INodeLease? taken = null;
        for (var i = 0; i < receives.Length; i++)
        {
            await ((Task)receives[i]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!receives[i].IsCompletedSuccessfully || await receives[i].ConfigureAwait(false) is not { } message)
            {
                continue;
            }

            if (taken is null)
            {
                taken = await OpenAsync(_receivers[i], message, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await _receivers[i].AbandonMessageAsync(message, cancellationToken: CancellationToken.None).ConfigureAwait(false);
            }
        }

        if (taken is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await (first.IsFaulted ? first : Task.CompletedTask).ConfigureAwait(false);
        }

        return taken;
    }

    private async Task<INodeLease?> OpenAsync(ServiceBusReceiver receiver, ServiceBusReceivedMessage message, CancellationToken cancellationToken)
    {
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
            return null;
        }
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
