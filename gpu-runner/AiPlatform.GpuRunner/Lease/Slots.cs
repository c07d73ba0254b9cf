using AiPlatform.GpuRunner.Launch;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>As many workers as the runner has slots.</summary>
internal sealed class Slots(INodeQueue queue, NodeServices services, ActiveNodes active, Registration registration, ILoggerFactory loggers) : IHostedService
{
    private readonly List<NodeWorker> _workers = [];

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var slot = 0; slot < services.Options.MaxNodes; slot++)
        {
            var worker = new NodeWorker(queue, services, active, registration, loggers.CreateLogger<NodeWorker>());
            _workers.Add(worker);
            await worker.StartAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_workers.Select(worker => worker.StopAsync(cancellationToken))).ConfigureAwait(false);
        _workers.ForEach(static worker => worker.Dispose());
    }
}
