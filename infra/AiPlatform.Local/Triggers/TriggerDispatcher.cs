using AiPlatform.Local.Processes;
using Cronos;

namespace AiPlatform.Local.Triggers;

/// <summary>Stands for the Functions host's timers: reads the same function.json files and sends the same invocations.</summary>
internal sealed class TriggerDispatcher : IAsyncDisposable
{
    private readonly HandlerClient _handler;
    private readonly BoundedLog _log;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _timers = [];

    private TriggerDispatcher(HandlerClient handler, BoundedLog log, TimeProvider time)
    {
        _handler = handler;
        _log = log;
        _time = time;
    }

    /// <summary>Starts all triggers below a folder.</summary>
    /// <param name="folder">Holds one folder with a function.json for each function.</param>
    /// <param name="handler">The custom handler's address.</param>
    /// <param name="key">The trigger key that it expects.</param>
    /// <param name="logFile">Where failures are told.</param>
    /// <param name="time">The clock of the timers.</param>
    public static TriggerDispatcher Start(string folder, Uri handler, string key, string logFile, TimeProvider? time = null)
    {
        var timers = TimerBinding.ReadAll(folder, new Dictionary<string, string>());
        var dispatcher = new TriggerDispatcher(new HandlerClient(handler, key), new BoundedLog(logFile), time ?? TimeProvider.System);
        dispatcher._timers.AddRange(timers.Select(timer => dispatcher.RunTimerAsync(timer, dispatcher._stop.Token)));
        return dispatcher;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_timers).ConfigureAwait(false);
        _handler.Dispose();
        _log.Dispose();
        _stop.Dispose();
    }

    // One invocation at a time, as in the host: an occurrence that passes meanwhile is left out.
    private async Task RunTimerAsync(TimerBinding timer, CancellationToken stoppingToken)
    {
        var schedule = CronExpression.Parse(timer.Schedule, CronFormat.IncludeSeconds);
        try
        {
            while (schedule.GetNextOccurrence(_time.GetUtcNow(), TimeZoneInfo.Utc) is { } due)
            {
                await Task.Delay(due - _time.GetUtcNow(), _time, stoppingToken).ConfigureAwait(false);
                await InvokeTimerAsync(timer, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The dispatcher stops.
        }
    }

    private async Task InvokeTimerAsync(TimerBinding timer, CancellationToken stoppingToken)
    {
        try
        {
            await _handler.InvokeAsync(timer.Function, InvocationEnvelope.ForTimer(timer, _time.GetUtcNow()), stoppingToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            Log($"{timer.Function}: {exception.Message}");
        }
    }

    private void Log(string line) => _log.Write($"{_time.GetUtcNow():O} {line}");
}
