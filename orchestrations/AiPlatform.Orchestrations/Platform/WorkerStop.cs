namespace AiPlatform.Orchestrations.Platform;

/// <summary>
/// Ends activities when the process stops: after the durable worker, which is added later and so stops first. What an activity throws
/// from then on is no result any more; another worker, or this one after its restart, does it again.
/// </summary>
internal sealed class WorkerStop : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Ends when the worker has stopped.</summary>
    public CancellationToken Token => _stop.Token;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _stop.CancelAsync();

    public void Dispose() => _stop.Dispose();
}
