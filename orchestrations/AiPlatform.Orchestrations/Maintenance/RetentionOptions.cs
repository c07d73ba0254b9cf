using System.ComponentModel.DataAnnotations;

namespace AiPlatform.Orchestrations.Maintenance;

/// <summary>Configuration section <c>Orchestrations:Retention</c>: how long ended instances are kept in the task hub.</summary>
public sealed class RetentionOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Orchestrations:Retention";

    /// <summary>False keeps every instance for ever.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>After their end, completed and terminated instances are kept this long.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00")]
    public TimeSpan KeepCompleted { get; init; } = TimeSpan.FromDays(30);

    /// <summary>After their end, failed instances are kept this long.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00")]
    public TimeSpan KeepFailed { get; init; } = TimeSpan.FromDays(90);

    /// <summary>Time between two sweeps.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "7.00:00:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The most instances that one sweep removes; the rest waits for the next.</summary>
    [Range(1, 100_000)]
    public int MaxPerSweep { get; init; } = 5000;
}
