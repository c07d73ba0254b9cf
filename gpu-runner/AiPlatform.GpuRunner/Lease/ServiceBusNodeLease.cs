using AiPlatform.Contracts.Jobs;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>
/// A message under lock. Once the node is claimed by API, losing the lock is harmless: whoever gets the message then is refused the claim.
/// </summary>
internal sealed class ServiceBusNodeLease : INodeLease
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);

    private readonly ServiceBusReceiver _receiver;
    private readonly ServiceBusReceivedMessage _message;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _renewing;

    public ServiceBusNodeLease(ServiceBusReceiver receiver, ServiceBusReceivedMessage message, NodeMessage node, TimeProvider time, ILogger logger)
    {
        (_receiver, _message, Message, _time, _logger) = (receiver, message, node, time, logger);
        _renewing = RenewAsync();
    }

    /// <inheritdoc />
    public NodeMessage Message { get; }

    /// <inheritdoc />
    public Task CompleteAsync(CancellationToken cancellationToken)
        => SettleAsync(token => _receiver.CompleteMessageAsync(_message, token), cancellationToken);

    /// <inheritdoc />
    public Task AbandonAsync(CancellationToken cancellationToken)
        => SettleAsync(token => _receiver.AbandonMessageAsync(_message, cancellationToken: token), cancellationToken);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task SettleAsync(Func<CancellationToken, Task> settle, CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        try
        {
            await settle(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The broker delivers it again; the claim is refused then.
            Logs.SettlementFailed(_logger, _message.MessageId, exception.Message);
        }
    }

    private async Task RenewAsync()
    {
        try
        {
            while (true)
            {
                var remaining = _message.LockedUntil - _time.GetUtcNow();
                await Task.Delay(remaining / 2 > ShortestPause ? remaining / 2 : ShortestPause, _time, _stop.Token).ConfigureAwait(false);
                try
                {
                    await _receiver.RenewMessageLockAsync(_message, _stop.Token).ConfigureAwait(false);
                }
                catch (ServiceBusException exception) when (exception.Reason == ServiceBusFailureReason.MessageLockLost)
                {
                    Logs.LockRenewalFailed(_logger, _message.MessageId, exception.Message);
                    return;
                }
                catch (Exception exception) when (!_stop.IsCancellationRequested)
                {
                    Logs.LockRenewalFailed(_logger, _message.MessageId, exception.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Settled, or given up.
        }
    }
}
