namespace AiPlatform.Hosting.TaskHubs;

/// <summary>What an instance waits for that does not come.</summary>
public enum StuckReason
{
    /// <summary>No worker has taken it.</summary>
    NotStarted,

    /// <summary>An activity has not ended.</summary>
    ActivityNotFinished,

    /// <summary>A timer is overdue: no worker runs the next turn.</summary>
    TimerOverdue,

    /// <summary>It waits for an event, a lock or an entity's answer.</summary>
    EventNotReceived,
}
