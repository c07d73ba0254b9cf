using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Workers;
using AiPlatform.Hosting;

namespace AiPlatform.FunctionsHost.Timers;

/// <summary>
/// One timer. It fires once at a time: what falls due while it runs is left out. What fell due while no host ran is made up for once, marked
/// as past due. Among several hosts the store decides who fires.
/// </summary>
internal sealed partial class TimerLoop(
    string function, TimerTrigger trigger, TimerSchedule schedule, TimeSpan? functionTimeout, TimeSpan lease, ITimerStore store, CurrentWorker workers,
    TimeProvider time, ILogger<TimerLoop> logger)
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(15);

    private readonly bool _monitored = trigger.UseMonitor && schedule.IsMonitored(time.GetUtcNow());

    /// <summary>Runs until <paramref name="stoppingToken"/>.</summary>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        var atStart = trigger.RunOnStartup;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!await StepAsync(atStart, stoppingToken))
                {
                    return;
                }

                atStart = false;
                failures = 0;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                failures++;
                LogStoreFailed(logger, exception, function, failures);
                await Task.Delay(BackOff.After(failures, FirstBackOff, MaxBackOff), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // Waits for one occurrence and fires it; false when there is none any more.
    private async Task<bool> StepAsync(bool atStart, CancellationToken stoppingToken)
    {
        var now = time.GetUtcNow();
        var state = await store.ReadAsync(function, schedule.Text, stoppingToken);
        if (state is null)
        {
            if (schedule.Next(now) is not { } first)
            {
                return false;
            }

            await store.BeginAsync(function, schedule.Text, first, stoppingToken);
            state = new TimerState(null, first);
        }

        if (atStart)
        {
            await FireAsync(now, state, pastDue: false, stoppingToken);
            return true;
        }

        var missed = _monitored && state.Next < now;
        if ((missed ? state.Next : schedule.Next(now)) is not { } due)
        {
            return false;
        }

        await DelayUntilAsync(due, stoppingToken);
        await FireAsync(due, state, missed, stoppingToken);
        return true;
    }

    private async Task FireAsync(DateTimeOffset due, TimerState before, bool pastDue, CancellationToken stoppingToken)
    {
        var worker = await workers.WaitAsync(stoppingToken);
        if (worker.Functions.FirstOrDefault(other => other.Name == function) is not { } described)
        {
            return;
        }

        var now = time.GetUtcNow();
        var next = schedule.Next(now > due ? now : due) ?? DateTimeOffset.MaxValue;
        if (!await store.TryTakeAsync(function, schedule.Text, new TimerState(due, next), stoppingToken))
        {
            return;
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var renewing = RenewAsync(end.Token);
        try
        {
            using var limit = new CancellationTokenSource(functionTimeout ?? Timeout.InfiniteTimeSpan, time);
            await TimerInvocation.RunAsync(worker, TimerInvocation.For(described, _monitored ? before : null, next, pastDue), limit.Token);
        }
        catch (Exception exception) when (exception is InvalidOperationException or Rpc.WorkerLostException)
        {
            // It is due again by its schedule.
            LogFailed(logger, function, exception.Message);
        }
        finally
        {
            await end.CancelAsync();
            await renewing;
            await store.ReleaseAsync(function, CancellationToken.None);
        }
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(lease / 3, time, cancellationToken);
                await store.RenewAsync(function, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // The lease lasts a while yet.
                LogStoreFailed(logger, exception, function, 1);
            }
        }
    }

    // In parts: the clock of the machine may be set meanwhile.
    private async Task DelayUntilAsync(DateTimeOffset due, CancellationToken cancellationToken)
    {
        for (var left = due - time.GetUtcNow(); left > TimeSpan.Zero; left = due - time.GetUtcNow())
        {
            await Task.Delay(left < LongestDelay ? left : LongestDelay, time, cancellationToken);
        }
    }

    [LoggerMessage(20, LogLevel.Error, "{Function} failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, string function, string reason);

    [LoggerMessage(21, LogLevel.Warning, "The timer of {Function} waits for its store ({Failures} failures in a row)")]
    private static partial void LogStoreFailed(ILogger logger, Exception exception, string function, int failures);
}
