using AiPlatform.Messaging.Transport;

namespace AiPlatform.Messaging;

public partial class ServiceBusSessionProcessor
{
    private static readonly TimeSpan MinRenewDelay = TimeSpan.FromMilliseconds(200);

    private async Task ProcessSessionAsync(ServiceBusSessionReceiver receiver, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var renewing = new CancellationTokenSource();
        var renewal = RenewAsync(receiver, ended, renewing.Token);
        try
        {
            await NotifyAsync(SessionInitializingAsync, receiver, stop);
            await Task.WhenAll(Enumerable.Range(0, _options.MaxConcurrentCallsPerSession).Select(_ => ReceiveAsync(receiver, ended, stop)));
            await NotifyAsync(SessionClosingAsync, receiver, stop);
        }
        finally
        {
            await renewing.CancelAsync();
            await renewal;
        }
    }

    private async Task ReceiveAsync(ServiceBusSessionReceiver receiver, CancellationTokenSource ended, CancellationToken stop)
    {
        while (!ended.IsCancellationRequested)
        {
            try
            {
                if (await receiver.ReceiveMessageAsync(_options.SessionIdleTimeout, ended.Token) is not { } message)
                {
                    return;
                }

                var args = new ProcessSessionMessageEventArgs(message, receiver, ended.Token);
                await ProcessOneAsync(args, receiver, stop);
                if (args.IsReleased)
                {
                    await ended.CancelAsync();
                }
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // The session is lost, or receiving fails for good: another is accepted.
                await ReportAsync(exception, ServiceBusErrorSource.Receive, stop);
                await ended.CancelAsync();
            }
        }
    }

    private async Task ProcessOneAsync(ProcessSessionMessageEventArgs args, ServiceBusSessionReceiver receiver, CancellationToken stop)
    {
        using var activity = MessagingActivity.StartProcess(args.Message, EntityPath);
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

        // A handler that ends because the processor stops is no error.
        if (failure is not null && (failure is not OperationCanceledException || !args.CancellationToken.IsCancellationRequested))
        {
            await ReportAsync(failure, ServiceBusErrorSource.ProcessMessageCallback, stop);
        }

        if (args.IsSettled || _options.ReceiveMode != ServiceBusReceiveMode.PeekLock || (failure is null && !_options.AutoCompleteMessages))
        {
            return;
        }

        try
        {
            await (failure is null
                ? receiver.CompleteMessageAsync(args.Message, CancellationToken.None)
                : receiver.AbandonMessageAsync(args.Message, null, CancellationToken.None));
        }
        catch (Exception exception)
        {
            await ReportAsync(exception, failure is null ? ServiceBusErrorSource.Complete : ServiceBusErrorSource.Abandon, stop);
        }
    }

    private async Task RenewAsync(ServiceBusSessionReceiver receiver, CancellationTokenSource ended, CancellationToken finished)
    {
        var started = _time.GetUtcNow();
        while (_options.MaxAutoLockRenewalDuration == Timeout.InfiniteTimeSpan || _time.GetUtcNow() - started < _options.MaxAutoLockRenewalDuration)
        {
            var left = receiver.SessionLockedUntil - _time.GetUtcNow();
            try
            {
                await Task.Delay(left / 2 > MinRenewDelay ? left / 2 : MinRenewDelay, _time, finished);
                await receiver.RenewSessionLockAsync(finished);
            }
            catch (OperationCanceledException) when (finished.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                await ReportAsync(exception, ServiceBusErrorSource.RenewLock, ended.Token);
                if (exception is ServiceBusException { IsTransient: true } && _time.GetUtcNow() < receiver.SessionLockedUntil)
                {
                    continue;
                }

                // The handlers are told to end: another receiver may have the session.
                await ended.CancelAsync();
                return;
            }
        }
    }

    private async Task NotifyAsync(Func<ProcessSessionEventArgs, Task>? handler, ServiceBusSessionReceiver receiver, CancellationToken stop)
    {
        if (handler is null)
        {
            return;
        }

        try
        {
            await handler(new ProcessSessionEventArgs(receiver, stop));
        }
        catch (Exception exception)
        {
            await ReportAsync(exception, ServiceBusErrorSource.ProcessMessageCallback, stop);
        }
    }
}
