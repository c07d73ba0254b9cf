namespace AiPlatform.Compute.Queues;

/// <summary>Limits and habits of task queues; section <c>Queues</c>.</summary>
internal sealed class QueueOptions
{
    public const string Section = "Queues";

    /// <summary>A high task is overdue after this wait, a normal one after two such waits, a low one after three: see <see cref="FairShare"/>.</summary>
    public TimeSpan AgeingStep { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Most tasks of one pool's lane that are released at once: what is released can no longer be overtaken.</summary>
    public int MaxWindow { get; set; } = 1_024;

    /// <summary>Released light tasks for each slot: enough to keep workers busy while the next ones travel.</summary>
    public int ReleasedPerLightSlot { get; set; } = 2;

    /// <summary>A released task that nobody claims within this time goes back in line.</summary>
    public TimeSpan ReleaseLease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A worker that says nothing for so long has lost its tasks.</summary>
    public TimeSpan WorkerLease { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How often workers give a sign of life.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long ended tasks are kept.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Most bytes of a payload or a result as JSON.</summary>
    public int MaxPayloadBytes { get; set; } = 64 * 1024;

    /// <summary>Most schedules of one queue.</summary>
    public int MaxSchedules { get; set; } = 1_000;
}
