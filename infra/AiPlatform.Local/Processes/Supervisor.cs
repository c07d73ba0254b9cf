namespace AiPlatform.Local.Processes;

/// <summary>Keeps one server running: a process that ends is started again, with capped back-off while it keeps ending.</summary>
/// <param name="server">The server; this owns it.</param>
/// <param name="time">The clock.</param>
/// <param name="changed">Called after each start, when the process id is new.</param>
/// <param name="report">Gets one line for each end and each start that failed.</param>
internal sealed class Supervisor(ISupervised server, TimeProvider time, Action changed, Action<string> report) : IPart
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(15);

    /// <summary>A process that ran this long was healthy: the next end starts with the first delay again.</summary>
    private static readonly TimeSpan HealthyAfter = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    /// <summary>The server's name.</summary>
    public string Name => server.Name;

    /// <summary>The process that runs now.</summary>
    public ProcessIdentity? Identity => server.Identity;

    /// <summary>Starts the server and waits until it is ready; from then on it is kept running.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await server.RestartAsync(cancellationToken).ConfigureAwait(false);
        changed();
        _loop = Task.Run(() => KeepRunningAsync(_stop.Token), CancellationToken.None);
    }

    /// <summary>Starts the server no more; it may go on running.</summary>
    public async Task ReleaseAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
    }

    /// <summary>Stops supervising, then the server.</summary>
    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync().ConfigureAwait(false);
        await server.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task KeepRunningAsync(CancellationToken stoppingToken)
    {
        var delay = FirstDelay;
        var started = time.GetTimestamp();
        try
        {
            while (true)
            {
                await server.WaitForExitAsync(stoppingToken).ConfigureAwait(false);
                if (time.GetElapsedTime(started) > HealthyAfter)
                {
                    delay = FirstDelay;
                }

                report($"{Name} ended; it is started again in {delay.TotalSeconds:0.##} s");
                await Task.Delay(delay, time, stoppingToken).ConfigureAwait(false);
                delay = delay * 2 < MaxDelay ? delay * 2 : MaxDelay;
                started = time.GetTimestamp();
                await TryRestartAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The platform stops.
        }
    }

    private async Task TryRestartAsync(CancellationToken stoppingToken)
    {
        try
        {
            await server.RestartAsync(stoppingToken).ConfigureAwait(false);
            report($"{Name} runs again");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // The process may live without being ready (a server that it needs is away): its end, not this, is awaited next.
            report($"{Name}: {exception.Message.Split('\n')[0]}");
        }

        changed();
    }
}
