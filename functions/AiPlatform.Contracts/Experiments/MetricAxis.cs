namespace AiPlatform.Contracts.Experiments;

/// <summary>What the x axis of a curve shows.</summary>
public enum MetricAxis
{
    /// <summary>The step of the points.</summary>
    Step,

    /// <summary>When the points were measured, in seconds since 1970.</summary>
    Time,

    /// <summary>Seconds since the run began.</summary>
    RelativeTime,
}
