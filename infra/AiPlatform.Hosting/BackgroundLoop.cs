using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AiPlatform.Hosting;

/// <summary>
/// The one shape of every background loop: do a step, wait while idle, back off with full jitter after a failure,
/// and show the state at <c>/health</c>. A step returns whether it found work; an idle loop wakes early on <see cref="Wake"/>.
/// </summary>
public abstract partial class BackgroundLoop(TimeProvider time, ILogger logger) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _wake = new(0, 1);
    private Exception? _fault;
    private int _failures;

    /// <summary>As logs and <c>/health</c> name it.</summary>
    protected virtual string LoopName => GetType().Name;

    /// <summary>How long an idle loop waits before it looks again.</summary>
    protected abstract TimeSpan IdleDelay { get; }

    /// <summary>Does one bounded piece of work; true when there may be more at once.</summary>
    protected abstract Task<bool> StepAsync(CancellationToken cancellationToken);

    /// <summary>Ends the current idle wait. Safe to call from any thread, any number of times.</summary>
    public void Wake()
    {
        try
        {
            if (_wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
        catch (SemaphoreFullException)
        {
            // Another thread woke the loop between the check and the release: it is awake.
        }
        catch (ObjectDisposedException)
        {
            // The timer went off while the loop was put away.
        }
    }

    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(_fault is { } fault
            ? HealthCheckResult.Degraded($"{LoopName} failed {_failures} times in a row: {fault.GetType().Name}")
            : HealthCheckResult.Healthy());

    /// <inheritdoc />
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // One timer for the loop's life, which wakes it like anybody else: an idle loop makes no garbage.
        using var timer = time.CreateTimer(static loop => ((BackgroundLoop)loop!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var more = await StepAsync(stoppingToken).ConfigureAwait(false);
                _fault = null;
                _failures = 0;
                if (!more)
                {
                    await IdleAsync(timer, IdleDelay, stoppingToken).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                _fault = exception;
                _failures++;
                LogStepFailed(logger, exception, LoopName, _failures);
                await IdleAsync(timer, BackOff.After(_failures, FirstBackOff, MaxBackOff), stoppingToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task IdleAsync(ITimer timer, TimeSpan delay, CancellationToken stoppingToken)
    {
        timer.Change(delay, Timeout.InfiniteTimeSpan);
        try
        {
            await _wake.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The host stops: the caller looks at the stopping token.
        }

        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    [LoggerMessage(1, LogLevel.Warning, "{Loop} failed ({Failures} in a row)")]
    private static partial void LogStepFailed(ILogger logger, Exception exception, string loop, int failures);
}
