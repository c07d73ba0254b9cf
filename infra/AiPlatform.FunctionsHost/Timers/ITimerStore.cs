namespace AiPlatform.FunctionsHost.Timers;

/// <summary>What all hosts of an app know about its timers, and who of them fires.</summary>
internal interface ITimerStore
{
    /// <summary>What is known of a timer; null when it never ran, or on another schedule.</summary>
    Task<TimerState?> ReadAsync(string function, string schedule, CancellationToken cancellationToken);

    /// <summary>Notes when a timer is due that nothing is known of.</summary>
    Task BeginAsync(string function, string schedule, DateTimeOffset next, CancellationToken cancellationToken);

    /// <summary>Takes one occurrence for this host; false when another host has it, or the timer still runs there.</summary>
    Task<bool> TryTakeAsync(string function, string schedule, TimerState occurrence, CancellationToken cancellationToken);

    /// <summary>Says that the timer still runs here.</summary>
    Task RenewAsync(string function, CancellationToken cancellationToken);

    /// <summary>Says that it has ended.</summary>
    Task ReleaseAsync(string function, CancellationToken cancellationToken);
}

/// <summary>Times of a timer.</summary>
/// <param name="Last">When it last was due and fired; null: never.</param>
/// <param name="Next">When it is due next.</param>
internal sealed record TimerState(DateTimeOffset? Last, DateTimeOffset Next);
