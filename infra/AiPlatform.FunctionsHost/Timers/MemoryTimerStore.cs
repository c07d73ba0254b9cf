using System.Collections.Concurrent;

namespace AiPlatform.FunctionsHost.Timers;

/// <summary>For a host alone: it fires everything, and what it missed while it did not run is forgotten.</summary>
internal sealed class MemoryTimerStore : ITimerStore
{
    private readonly ConcurrentDictionary<string, TimerState> _states = new(StringComparer.Ordinal);

    /// <inheritdoc />
    public Task<TimerState?> ReadAsync(string function, string schedule, CancellationToken cancellationToken)
        => Task.FromResult(_states.GetValueOrDefault(function));

    /// <inheritdoc />
    public Task BeginAsync(string function, string schedule, DateTimeOffset next, CancellationToken cancellationToken)
    {
        _states[function] = new TimerState(null, next);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<bool> TryTakeAsync(string function, string schedule, TimerState occurrence, CancellationToken cancellationToken)
    {
        _states[function] = occurrence;
        return Task.FromResult(true);
    }

    /// <inheritdoc />
    public Task RenewAsync(string function, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task ReleaseAsync(string function, CancellationToken cancellationToken) => Task.CompletedTask;
}
