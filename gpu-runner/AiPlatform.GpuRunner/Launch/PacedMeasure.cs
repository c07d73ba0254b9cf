namespace AiPlatform.GpuRunner.Launch;

/// <summary>Measures something beside the looks, for at most a tenth of the time, because it may cost much.</summary>
/// <param name="minRest">The least time between two measurements.</param>
internal sealed class PacedMeasure<T>(TimeSpan minRest, TimeProvider time)
    where T : class
{
    private const int RestFactor = 10;

    private Task<T>? _running;
    private long _began;
    private DateTimeOffset _next;

    /// <summary>The result of a measurement that has ended since the last call; null when there is none.</summary>
    public async Task<T?> TryTakeAsync(Func<T> measure)
    {
        if (_running is null)
        {
            if (time.GetUtcNow() < _next)
            {
                return null;
            }

            _began = time.GetTimestamp();
            _running = Task.Run(measure);
        }

        if (!_running.IsCompleted)
        {
            return null;
        }

        var running = _running;
        _running = null;
        var took = time.GetElapsedTime(_began) * RestFactor;
        _next = time.GetUtcNow() + (took > minRest ? took : minRest);
        return await running.ConfigureAwait(false);
    }
}
