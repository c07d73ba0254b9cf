using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Workers;
using Microsoft.Extensions.Options;

namespace AiPlatform.FunctionsHost.Timers;

/// <summary>Runs the timers of the app from when its first worker is ready.</summary>
internal sealed partial class TimerService(
    FunctionApp app, IOptions<FunctionsHostOptions> options, ITimerStore store, CurrentWorker workers, TimeProvider time, ILoggerFactory loggers)
    : BackgroundService
{
    private const string ZoneSetting = "WEBSITE_TIME_ZONE";

    private readonly ILogger _logger = loggers.CreateLogger<TimerService>();

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var worker = await workers.WaitAsync(stoppingToken);
            await Task.WhenAll(worker.Functions.Select(function => function.Trigger is TimerTrigger trigger ? RunAsync(function.Name, trigger, stoppingToken) : Task.CompletedTask));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task RunAsync(string function, TimerTrigger trigger, CancellationToken stoppingToken)
    {
        TimerSchedule schedule;
        try
        {
            schedule = TimerSchedule.Parse(trigger.Schedule, Setting, TimerSchedule.Zone(Setting(ZoneSetting)));
        }
        catch (FormatException exception)
        {
            // The other functions are served all the same, as by any host.
            LogUnreadable(_logger, function, exception.Message);
            return;
        }

        await new TimerLoop(
            function, trigger, schedule, app.FunctionTimeout, options.Value.TimerLease, store, workers, time, loggers.CreateLogger<TimerLoop>()).RunAsync(stoppingToken);
    }

    // The same settings as the worker's.
    private string? Setting(string name) => options.Value.Environment.GetValueOrDefault(name) ?? Environment.GetEnvironmentVariable(name);

    [LoggerMessage(22, LogLevel.Error, "The function {Function} never fires: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string function, string reason);
}
