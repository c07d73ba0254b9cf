using AiPlatform.Contracts.Queues;

namespace AiPlatform.Compute.Queues;

/// <summary>What the ends of its dependencies mean for a task.</summary>
internal enum DependencyVerdict
{
    /// <summary>Not decided yet.</summary>
    Wait,

    /// <summary>It may run.</summary>
    Run,

    /// <summary>It can never run.</summary>
    Skip,
}

/// <summary>Decides about tasks that wait for others. Pure.</summary>
internal static class DependencyRule
{
    /// <summary>The verdict, from the states of all dependencies; at least one is needed.</summary>
    public static DependencyVerdict Decide(DependencyMode mode, IReadOnlyCollection<QueueTaskStatus> dependencies)
    {
        var open = dependencies.Any(status => !TaskStates.IsFinal(status));
        var succeeded = dependencies.Contains(QueueTaskStatus.Succeeded);
        var lost = dependencies.Any(status => TaskStates.IsFinal(status) && status != QueueTaskStatus.Succeeded);
        return mode switch
        {
            DependencyMode.All => lost ? DependencyVerdict.Skip : open ? DependencyVerdict.Wait : DependencyVerdict.Run,
            DependencyMode.Any => succeeded ? DependencyVerdict.Run : open ? DependencyVerdict.Wait : DependencyVerdict.Skip,
            DependencyMode.OnFailure => lost ? DependencyVerdict.Run : open ? DependencyVerdict.Wait : DependencyVerdict.Skip,
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Unknown mode."),
        };
    }
}
