using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Folds fresh log rows into summaries soon after they were written, many writes at once; also those of an instance that was killed.</summary>
internal sealed class MetricFolder(MetricSummaries summaries, StartupState state, TimeProvider time, ILogger<MetricFolder> logger)
    : BackgroundLoop(time, logger), IDueWork
{
    private const int MaxRuns = 1_024;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time = time;

    /// <inheritdoc />
    public string DueCondition => "EXISTS (SELECT 1 FROM metric_fresh)";

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(1);

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await state.WaitAsync(cancellationToken);
        var runs = await summaries.FreshAsync(MaxRuns, cancellationToken);
        if (runs.Length == 0)
        {
            return false;
        }

        var begin = _time.GetTimestamp();
        await summaries.FoldAsync(runs, cancellationToken);

        // The longer the wait the more writes share one update of a series; readers do not depend on it. When there is much to
        // fold others get more of the time, but not so much that a search would find seconds of work to do first.
        var pause = _time.GetElapsedTime(begin) * 4;
        await Task.Delay(pause < Pace ? Pace : pause > MaxPause ? MaxPause : pause, _time, cancellationToken);
        return true;
    }
}
