namespace AiPlatform.TaskHub.Engine;

/// <summary>One named task hub in memory: its live instances, its workers, and what waits for them. Guarded by the engine's lock.</summary>
internal sealed class HubState(int id, string name)
{
    public int Id { get; } = id;

    public string Name { get; } = name;

    public Dictionary<string, LiveInstance> Instances { get; } = new(StringComparer.Ordinal);

    public ReadyQueue<LiveInstance> Turns { get; } = new();

    public ReadyQueue<PendingActivity> Activities { get; } = new();

    public List<WorkerConnection> Workers { get; } = [];

    /// <summary>Whose turn it is to be served first.</summary>
    public int NextWorker { get; set; }
}
