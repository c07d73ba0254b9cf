using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Rpc;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Options;

namespace AiPlatform.FunctionsHost.Workers;

/// <summary>Keeps one worker running: one that ends is started again, after a pause that grows while it keeps ending.</summary>
internal sealed partial class WorkerSupervisor(
    FunctionApp app, IOptions<FunctionsHostOptions> options, RpcServer server, WorkerStart start, CurrentWorker current, IWorkerObserver observer,
    TimeProvider time, ILogger<WorkerSupervisor> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(15);

    /// <summary>A worker that ran this long was healthy: the next pause is the first one again.</summary>
    private static readonly TimeSpan HealthyAfter = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    /// <summary>Starts to listen for workers, and the first one.</summary>
    /// <exception cref="InvalidOperationException">The machine lacks what ends a worker with its host.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!ChildCommand.CanTieToParent)
        {
            throw new InvalidOperationException("setpriv is missing, without which a worker could outlive its host. Install it with: apt-get install util-linux");
        }

        await server.StartAsync(cancellationToken);
        LogListening(logger, app.Directory, options.Value.Address, options.Value.HttpPort, server.Address);
        _loop = Task.Run(() => KeepRunningAsync(_stop.Token), CancellationToken.None);
    }

    /// <summary>Comes after the HTTP server has taken no more requests and waited for those that it had.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _loop;
        await server.StopAsync(cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose() => _stop.Dispose();

    private async Task KeepRunningAsync(CancellationToken stoppingToken)
    {
        var delay = FirstDelay;
        while (!stoppingToken.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            var reason = await RunOnceAsync(stoppingToken);
            if (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            delay = time.GetElapsedTime(started) > HealthyAfter ? FirstDelay : delay;
            LogEnded(logger, reason, delay);
            observer.Ended(reason, delay);
            await Task.Delay(delay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            delay = delay * 2 < MaxDelay ? delay * 2 : MaxDelay;
        }
    }

    // From one start to the end of the process; returns how it ended.
    private async Task<string> RunOnceAsync(CancellationToken stoppingToken)
    {
        var id = Guid.NewGuid().ToString();
        WorkerProcess process;
        try
        {
            var inherited = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
                .Select(static entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? string.Empty));
            process = await WorkerProcess.StartAsync(WorkerCommand.For(app, server.Address, id, inherited, options.Value.Environment), observer, stoppingToken);
        }
        catch (Exception exception)
        {
            return $"The worker could not be started: {exception.Message}";
        }

        using (process)
        {
            observer.Started(process.Id);
            LogStarted(logger, process.Id);
            return await SuperviseAsync(process, id, stoppingToken);
        }
    }

    private async Task<string> SuperviseAsync(WorkerProcess process, string id, CancellationToken stoppingToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var exit = CancelAfterAsync(process.WaitForExitAsync(stoppingToken), ended);
        RunningWorker? worker = null;
        try
        {
            worker = await start.RunAsync(id, ended.Token);
            current.Set(worker);
            LogReady(logger, process.Id, worker.Functions.Count);
            observer.Ready();
            using var hangUp = CancellationTokenSource.CreateLinkedTokenSource(ended.Token, worker.Channel.Closed);
            await Task.Delay(Timeout.Infinite, hangUp.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            current.Clear();
            if (stoppingToken.IsCancellationRequested)
            {
                await StopAsync(process, worker.Channel);
                return "The host stops.";
            }
        }
        catch (Exception exception) when (!ended.IsCancellationRequested)
        {
            // It lives, and is of no use.
            await process.KillAsync();
            return $"The worker did not get ready: {exception.Message}";
        }
        catch (Exception)
        {
            // It ended while it started, or the host stops: said below.
        }
        finally
        {
            current.Clear();
        }

        // Its conversation ends a moment before it does.
        await process.EndAsync(TimeSpan.FromSeconds(1));
        await exit;
        return stoppingToken.IsCancellationRequested ? "The host stops." : $"The worker ended with {process.ExitCode}.";
    }

    private async Task StopAsync(WorkerProcess process, WorkerChannel channel)
    {
        // Invocations of timers; those of HTTP requests have ended with the server.
        await channel.DrainAsync(options.Value.DrainTimeout);
        var grace = options.Value.TerminateTimeout;
        channel.Tell(new StreamingMessage { WorkerTerminate = new WorkerTerminate { GracePeriod = Duration.FromTimeSpan(grace) } });
        await process.EndAsync(grace);
    }

    private static async Task CancelAfterAsync(Task exit, CancellationTokenSource ended)
    {
        await exit.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ended.CancelAsync();
    }

    [LoggerMessage(0, LogLevel.Information, "Serves {App} at http://{Address}:{Port}, workers at {Rpc}")]
    private static partial void LogListening(ILogger logger, string app, string address, int port, Uri rpc);

    [LoggerMessage(1, LogLevel.Information, "Worker {ProcessId} started")]
    private static partial void LogStarted(ILogger logger, int processId);

    [LoggerMessage(2, LogLevel.Information, "Worker {ProcessId} serves {Functions} functions")]
    private static partial void LogReady(ILogger logger, int processId, int functions);

    [LoggerMessage(3, LogLevel.Warning, "{Reason} It is started again in {Delay}")]
    private static partial void LogEnded(ILogger logger, string reason, TimeSpan delay);
}
