namespace AiPlatform.TaskHub.Engine;

/// <summary>One named task hub in memory: its live instances, its workers, and what waits for them. Guarded by the engine's lock.</summary>
internal sealed class HubState(int id, string name)
{
    public int Id { get; } = id;

    public string Name { get; } = name;

    /// <summary>Whether it is gone: what is written for it has no place any more.</summary>
    public bool IsDeleted { get; set; }

    public Dictionary<string, LiveInstance> Instances { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, LiveEntity> Entities { get; } = new(StringComparer.Ordinal);

    /// <summary>Work that is not delivered any more, by instance and task.</summary>
    public Dictionary<(string InstanceId, int TaskId), Storage.ParkedRow> Parked { get; } = [];

    public ReadyQueue<LiveInstance> Turns { get; } = new();

    public ReadyQueue<PendingActivity> Activities { get; } = new();

    public ReadyQueue<LiveEntity> Batches { get; } = new();

    public List<WorkerConnection> Workers { get; } = [];

    /// <summary>Whose turn it is to be served first.</summary>
    public int NextWorker { get; set; }

    /// <summary>Refuses what a call that found its hub before it was deleted would write. Called under the lock.</summary>
    /// <exception cref="HubDeletedException">It was deleted.</exception>
    public void RequireThere()
    {
        if (IsDeleted)
        {
            throw new HubDeletedException();
        }
    }
}
