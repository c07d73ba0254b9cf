using AiPlatform.Messaging.Transport;

namespace AiPlatform.Messaging;

public partial class ServiceBusProcessor
{
    private static readonly TimeSpan MinRenewDelay = TimeSpan.FromMilliseconds(500);

    private async Task ProcessOneAsync(ServiceBusReceivedMessage message, SemaphoreSlim slots, CancellationToken stop)
    {
        await Task.Yield();
        try
        {
            using var activity = MessagingActivity.StartProcess(message, EntityPath);
            using var handled = new CancellationTokenSource();
            var args = new ProcessMessageEventArgs(message, _receiver, stop);
            var renewal = RenewAsync(args, handled.Token);
            Exception? failure = null;
            try
            {
                await ProcessMessageAsync!(args);
            }
            catch (Exception exception)
            {
                failure = exception;
                activity?.SetStatus(System.Diagnostics.ActivityStatusCode.Error, exception.GetType().Name);
            }
            finally
            {
                await handled.CancelAsync();
                await renewal;
            }

            if (failure is not null)
            {
                // A handler that ends because the processor stops is no error.
                if (failure is not OperationCanceledException || !stop.IsCancellationRequested)
                {
                    await ReportAsync(failure, ServiceBusErrorSource.ProcessMessageCallback, stop);
                }

                await SettleAfterHandlerAsync(args, ServiceBusErrorSource.Abandon, stop);
            }
            else if (_options.AutoCompleteMessages)
            {
                await SettleAfterHandlerAsync(args, ServiceBusErrorSource.Complete, stop);
            }
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task SettleAfterHandlerAsync(ProcessMessageEventArgs args, ServiceBusErrorSource settlement, CancellationToken stop)
    {
        if (args.IsSettled || _options.ReceiveMode != ServiceBusReceiveMode.PeekLock)
        {
            return;
        }

        try
        {
            // Not the stop token: a message whose handler has ended is settled even while the processor stops.
            if (settlement == ServiceBusErrorSource.Complete)
            {
                await _receiver.CompleteMessageAsync(args.Message, CancellationToken.None);
            }
            else
            {
                await _receiver.AbandonMessageAsync(args.Message, null, CancellationToken.None);
            }
        }
        catch (Exception exception)
        {
            await ReportAsync(exception, settlement, stop);
        }
    }

    private async Task RenewAsync(ProcessMessageEventArgs args, CancellationToken handled)
    {
        if (_options.ReceiveMode != ServiceBusReceiveMode.PeekLock || _options.MaxAutoLockRenewalDuration == TimeSpan.Zero)
        {
            return;
        }

        var message = args.Message;
        var started = _time.GetUtcNow();
        var failures = 0;
        while (_options.MaxAutoLockRenewalDuration == Timeout.InfiniteTimeSpan || _time.GetUtcNow() - started < _options.MaxAutoLockRenewalDuration)
        {
            // Renewed when half of what is left has passed, so that several attempts fit before the lock ends.
            var left = message.LockedUntil - _time.GetUtcNow();
            try
            {
                await Task.Delay(left / 2 > MinRenewDelay ? left / 2 : MinRenewDelay, _time, handled);
                await _receiver.RenewMessageLockAsync(message, handled);
                failures = 0;
            }
            catch (OperationCanceledException) when (handled.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                failures++;
                await ReportAsync(exception, ServiceBusErrorSource.RenewLock, args.CancellationToken);
                if (exception is ServiceBusException { IsTransient: true } && _time.GetUtcNow() < message.LockedUntil)
                {
                    continue;
                }

                await NotifyLockLostAsync(args, exception);
                return;
            }
        }
    }

    private async Task NotifyLockLostAsync(ProcessMessageEventArgs args, Exception exception)
    {
        try
        {
            await args.OnMessageLockLostAsync(exception);
        }
        catch (Exception failure)
        {
            await ReportAsync(failure, ServiceBusErrorSource.ProcessMessageCallback, args.CancellationToken);
        }
    }
}
