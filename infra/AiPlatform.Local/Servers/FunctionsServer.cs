using AiPlatform.FunctionsHost;
using AiPlatform.FunctionsHost.Workers;
using AiPlatform.Local.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace AiPlatform.Local.Servers;

/// <summary>
/// The functions app as the worker of the embedded Functions host, which runs in this process: it starts the app, starts it again when it
/// ends, fires its timers, and forwards the HTTP of one port to it. Clients on this machine use the app's own port, without a hop.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="configure">Sets the host's options.</param>
/// <param name="settings">Further settings of the host, by name.</param>
/// <param name="ready">Answers with success when the app can serve.</param>
/// <param name="logFile">Where its output goes.</param>
/// <param name="changed">Called after each start, when the process id is new.</param>
/// <param name="report">Gets one line for each end and each return.</param>
internal sealed class FunctionsServer(
    string name, Action<FunctionsHostOptions> configure, IReadOnlyDictionary<string, string> settings, Uri ready, string logFile, Action changed,
    Action<string> report) : IPart, IWorkerObserver
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly BoundedLog _log = new(logFile);
    private readonly CancellationTokenSource _stop = new();
    private WebApplication? _host;
    private Task _return = Task.CompletedTask;
    private volatile string? _ended;
    private volatile bool _wasReady;
    private volatile bool _isReturning;

    public string Name => name;

    public ProcessIdentity? Identity { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string[] arguments = [.. settings.Select(static setting => $"--{setting.Key}={setting.Value}")];
        _host = FunctionsHostApp.Build(arguments, new FunctionsHostEmbedding(configure, this, logging => logging.AddProvider(new BoundedLogProvider(_log))));
        await _host.StartAsync(cancellationToken).ConfigureAwait(false);
        await WaitUntilReadyAsync(cancellationToken).ConfigureAwait(false);
        _wasReady = true;
        changed();
    }

    public Task ReleaseAsync() => _stop.CancelAsync();

    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync().ConfigureAwait(false);
        if (_host is not null)
        {
            await _host.StopAsync().ConfigureAwait(false);
            await _host.DisposeAsync().ConfigureAwait(false);
        }

        await _return.ConfigureAwait(false);
        _log.Dispose();
        _stop.Dispose();
    }

    void IWorkerObserver.Started(int processId)
    {
        _ended = null;
        Identity = ProcessIdentity.Of(processId);
        changed();
    }

    void IWorkerObserver.Ready()
    {
        // The app may answer before its host says so: only a worker that follows another is back.
        if (_wasReady && _isReturning)
        {
            _isReturning = false;
            _return = ReportReturnAsync();
        }
    }

    void IWorkerObserver.Ended(string reason, TimeSpan restartIn)
    {
        _ended = reason;
        _isReturning = true;
        Identity = null;
        if (!_stop.IsCancellationRequested)
        {
            report($"{name} ended; it is started again in {restartIn.TotalSeconds:0.##} s");
        }
    }

    void IWorkerObserver.Wrote(string line) => _log.Write(line);

    private Task WaitUntilReadyAsync(CancellationToken cancellationToken)
        => Readiness.WaitForHttpAsync(name, ready, () => _ended, _log, StartLimit, cancellationToken);

    private async Task ReportReturnAsync()
    {
        try
        {
            await WaitUntilReadyAsync(_stop.Token).ConfigureAwait(false);
            report($"{name} runs again");
        }
        catch (InvalidOperationException exception)
        {
            // The process may live without being ready (a server that it needs is away): its end, not this, is awaited next.
            report($"{name}: {exception.Message.Split('\n')[0]}");
        }
        catch (OperationCanceledException)
        {
            // The platform stops.
        }
    }
}
