namespace AiPlatform.TaskHub.Engine;

/// <summary>Which partitions this process owns, and to which of other processes it has sent something. Guarded by the engine's lock.</summary>
internal sealed class OwnedPartitions(EngineContext context) : IDisposable
{
    private readonly bool[] _owned = new bool[Partition.Count];

    // Partitions of other processes that messages were written to since they were last told.
    private readonly HashSet<int> _sent = [];
    private readonly Bell _bell = new();

    /// <summary>The partitions that this process owns.</summary>
    public int[] Owned
    {
        get
        {
            lock (context.Gate)
            {
                return [.. Enumerable.Range(0, Partition.Count).Where(id => _owned[id])];
            }
        }
    }

    /// <summary>Whether an instance, entity or partition is this process's.</summary>
    public bool Owns(int partition)
    {
        lock (context.Gate)
        {
            return _owned[partition];
        }
    }

    /// <summary>The same; called under the lock.</summary>
    public bool Has(int partition) => _owned[partition];

    /// <summary>Refuses what is another process's. Called under the lock.</summary>
    public void RequireOwned(string id)
    {
        if (!_owned[Partition.Of(id)])
        {
            throw new NotOwnerException();
        }
    }

    /// <summary>From now on these are served. Called under the lock.</summary>
    public void Take(List<int> taken) => taken.ForEach(id => _owned[id] = true);

    /// <summary>Nothing more is decided in the last so many of them. Called under the lock.</summary>
    public int[] Leave(int count)
    {
        int[] leaving = [.. Enumerable.Range(0, Partition.Count).Where(id => _owned[id]).TakeLast(count)];
        foreach (var id in leaving)
        {
            _owned[id] = false;
        }

        return leaving;
    }

    /// <summary>A message to a partition of another process is durable. Called under the lock.</summary>
    public void NoteSent(int partition)
    {
        _sent.Add(partition);
        _bell.Ring();
    }

    /// <summary>Waits until messages were sent to partitions of others, and says which.</summary>
    public async Task<int[]> SentAsync(CancellationToken cancellationToken)
    {
        await _bell.WaitAsync(Timeout.InfiniteTimeSpan, cancellationToken);
        lock (context.Gate)
        {
            int[] sent = [.. _sent];
            _sent.Clear();
            return sent;
        }
    }

    public void Dispose() => _bell.Dispose();
}
