using System.ComponentModel.DataAnnotations;

namespace AiPlatform.Kernel.Orchestrated;

/// <summary>Section <c>OrchestrationSweep</c>: when a resource without a living orchestration is ended.</summary>
public sealed class OrchestrationSweepOptions
{
    /// <summary>Resources are looked at when they are this old.</summary>
    public TimeSpan MinAge { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long an orchestration may take to stop before it is terminated: longer than nodes and steps take.</summary>
    public TimeSpan CancelPatience { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Resources of a kind that one tick looks at; the next tick goes on behind them.</summary>
    [Range(1, 10_000)]
    public int Batch { get; set; } = 200;
}
