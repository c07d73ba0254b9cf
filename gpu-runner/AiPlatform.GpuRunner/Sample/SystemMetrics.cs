using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Report;
using AiPlatform.Hosting;

namespace AiPlatform.GpuRunner.Sample;

/// <summary>Keeps readings of the machine in a node's journal while the node runs.</summary>
internal sealed class SystemMetrics(
    SystemSampler sampler, NodeJournal journal, NodeKey key, TimeSpan interval, TimeProvider time, ILogger<SystemMetrics> logger)
    : BackgroundLoop(time, logger)
{
    private readonly TimeProvider _time = time;
    private readonly HashSet<(int Id, ulong StartTime)> _known = [];
    private bool _begun;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => interval;

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        // The first reading has nothing before it that a mean could be of.
        if (!_begun)
        {
            _begun = true;
            return false;
        }

        var points = sampler.Sample(_time.GetUtcNow(), ProcessTree.Find(key.ToString(), _known));
        await journal.AddSystemAsync(points, cancellationToken).ConfigureAwait(false);
        return false;
    }
}
