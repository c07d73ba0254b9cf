namespace AiPlatform.Local.Processes;

/// <summary>One of the platform's own processes; ready when its readiness address answers with success.</summary>
internal sealed class ServiceProcess(string name, ChildCommand command, Uri ready, string logFile) : ISupervised
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly BoundedLog _log = new(logFile);
    private ChildProcess? _process;

    public string Name => name;

    public ProcessIdentity? Identity => _process is { HasExited: false } process ? process.Identity : null;

    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync().ConfigureAwait(false);
        _process = await ChildProcess.StartAsync(command, _log, cancellationToken).ConfigureAwait(false);
        await Readiness.WaitForHttpAsync(name, ready, _process, StartLimit, cancellationToken).ConfigureAwait(false);
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process?.WaitForExitAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _log.Dispose();
    }

    private async Task StopAsync()
    {
        if (_process is { } process)
        {
            await process.StopAsync(TimeSpan.FromSeconds(15)).ConfigureAwait(false);
            process.Dispose();
            _process = null;
        }
    }
}
