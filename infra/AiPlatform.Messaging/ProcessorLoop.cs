namespace AiPlatform.Messaging;

/// <summary>What all processors do around their work: start and stop once, pause after failures, tell of errors.</summary>
internal sealed class ProcessorLoop(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _state = new(1, 1);
    private CancellationTokenSource? _stop;
    private Task _running = Task.CompletedTask;

    /// <summary>Whether the work was started and not stopped.</summary>
    public bool IsRunning => _stop is { IsCancellationRequested: false };

    /// <summary>Starts the work; returns at once.</summary>
    /// <exception cref="InvalidOperationException">A handler is missing, or the work runs already.</exception>
    public async Task StartAsync(bool hasHandlers, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        if (!hasHandlers)
        {
            throw new InvalidOperationException("ProcessMessageAsync and ProcessErrorAsync need a handler before processing starts.");
        }

        await _state.WaitAsync(cancellationToken);
        try
        {
            if (IsRunning)
            {
                throw new InvalidOperationException("The processor runs already.");
            }

            _stop?.Dispose();
            _stop = new CancellationTokenSource();
            var token = _stop.Token;
            _running = Task.Run(() => work(token), CancellationToken.None);
        }
        finally
        {
            _state.Release();
        }
    }

    /// <summary>Signals the work's token, and returns when the work has ended.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _state.WaitAsync(cancellationToken);
        try
        {
            if (_stop is { } stop)
            {
                await stop.CancelAsync();
                await _running.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            _state.Release();
        }
    }

    /// <summary>Waits after failures in a row: longer with each, up to a limit, with jitter; no longer than until the stop.</summary>
    public async Task PauseAsync(int failures, CancellationToken stop)
    {
        var ceiling = Math.Min(MaxPause.TotalMilliseconds, 100 * Math.Pow(2, Math.Min(failures, 16)));
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(ceiling * Random.Shared.NextDouble()), time, stop);
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    /// <summary>Tells the error handler.</summary>
    public static async Task ReportAsync(Func<ProcessErrorEventArgs, Task> handler, ProcessErrorEventArgs error)
    {
        try
        {
            await handler(error);
        }
        catch (Exception)
        {
            // An error handler that fails has nobody else to tell; processing goes on.
        }
    }

    public void Dispose() => _stop?.Dispose();
}
