using AiPlatform.Local.Processes;
using AiPlatform.Messaging;
using Cronos;

namespace AiPlatform.Local.Triggers;

/// <summary>
/// Stands for the Functions host's triggers: reads the same function.json files, waits for timers and messages, and sends
/// the same invocations. A failed invocation of a message abandons it: the queue's delivery count decides what follows.
/// </summary>
internal sealed class TriggerDispatcher : IAsyncDisposable
{
    private const int ConcurrentMessages = 16;

    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(5);

    private readonly HandlerClient _handler;
    private readonly ServiceBusClient _serviceBus;
    private readonly BoundedLog _log;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<ServiceBusProcessor> _processors = [];
    private readonly List<Task> _timers = [];

    private TriggerDispatcher(HandlerClient handler, ServiceBusClient serviceBus, BoundedLog log, TimeProvider time)
    {
        _handler = handler;
        _serviceBus = serviceBus;
        _log = log;
        _time = time;
    }

    /// <summary>Starts all triggers below a folder.</summary>
    /// <param name="folder">Holds one folder with a function.json for each function.</param>
    /// <param name="handler">The custom handler's address.</param>
    /// <param name="key">The trigger key that it expects.</param>
    /// <param name="serviceBus">The connection string of the queues.</param>
    /// <param name="logFile">Where failures are told.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="time">The clock of the timers.</param>
    public static async Task<TriggerDispatcher> StartAsync(
        string folder, Uri handler, string key, string serviceBus, string logFile, CancellationToken cancellationToken, TimeProvider? time = null)
    {
        var bindings = TriggerBinding.ReadAll(folder, new Dictionary<string, string>());
        var dispatcher = new TriggerDispatcher(
            new HandlerClient(handler, key), new ServiceBusClient(serviceBus), new BoundedLog(logFile), time ?? TimeProvider.System);
        foreach (var timer in bindings.OfType<TimerBinding>())
        {
            dispatcher._timers.Add(dispatcher.RunTimerAsync(timer, dispatcher._stop.Token));
        }

        foreach (var binding in bindings.OfType<ServiceBusBinding>())
        {
            await dispatcher.ProcessAsync(binding, cancellationToken).ConfigureAwait(false);
        }

        return dispatcher;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_timers).ConfigureAwait(false);
        foreach (var processor in _processors)
        {
            await processor.DisposeAsync().ConfigureAwait(false);
        }

        await _serviceBus.DisposeAsync().ConfigureAwait(false);
        _handler.Dispose();
        _log.Dispose();
        _stop.Dispose();
    }

    private async Task ProcessAsync(ServiceBusBinding binding, CancellationToken cancellationToken)
    {
        var processor = _serviceBus.CreateProcessor(binding.Queue, new ServiceBusProcessorOptions { MaxConcurrentCalls = ConcurrentMessages });

        // The processor completes the message when this returns and abandons it when this throws.
        processor.ProcessMessageAsync += arguments => InvokeForMessageAsync(binding, arguments);
        processor.ProcessErrorAsync += arguments =>
        {
            Log($"{binding.Function}: {arguments.ErrorSource}: {arguments.Exception.Message}");
            return Task.CompletedTask;
        };
        _processors.Add(processor);
        await processor.StartProcessingAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task InvokeForMessageAsync(ServiceBusBinding binding, ProcessMessageEventArgs arguments)
    {
        try
        {
            await _handler.InvokeAsync(
                binding.Function, InvocationEnvelope.ForMessage(binding, arguments.Message, _time.GetUtcNow()), arguments.CancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException)
        {
            // An abandoned message comes back at once: without a pause a short outage would use up its deliveries.
            var pause = Math.Min(MaxPause.TotalMilliseconds, 50 * Math.Pow(2, Math.Min(arguments.Message.DeliveryCount, 10)));
            await Task.Delay(TimeSpan.FromMilliseconds(pause), _time, arguments.CancellationToken).ConfigureAwait(false);
            throw;
        }
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
