namespace AiPlatform.Compute.Runners;

/// <summary>The rhythm of runners; section <c>Runners</c>.</summary>
internal sealed class RunnerOptions
{
    public const string Section = "Runners";

    /// <summary>How often a runner gives a sign of life.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>A runner that was silent for so long, while somebody listened, is offline and its nodes are lost.</summary>
    public TimeSpan OfflineAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>When the watch did not look for so long, the platform itself was away.</summary>
    public TimeSpan WatchGap { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>A claimed node that has not started and that its runner does not know of after so long was never begun.</summary>
    public TimeSpan StartPatience { get; set; } = TimeSpan.FromMinutes(2);
}
