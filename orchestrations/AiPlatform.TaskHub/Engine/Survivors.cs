namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// Activities that a worker still runs for a process that is gone: what a process passes on to its workers for others it remembers,
/// should it come to own that. It is not delivered a second time.
/// </summary>
internal sealed class Survivors(EngineContext context, ActivityDelivery activities)
{
    private const int MaxRunning = 20_000;

    // Activities of partitions that this process does not own, or not yet, by token: who runs them.
    private readonly Dictionary<string, WorkerConnection> _elsewhere = new(StringComparer.Ordinal);

    /// <summary>A worker was given an activity of another process.</summary>
    public void PassedOn(WorkerConnection worker, string token)
    {
        lock (context.Gate)
        {
            if (!worker.IsClosed && worker.Elsewhere.Count < MaxRunning && _elsewhere.TryAdd(token, worker))
            {
                worker.Elsewhere.Add(token);
            }
        }
    }

    /// <summary>An activity of another process has ended.</summary>
    public void EndedElsewhere(string token)
    {
        lock (context.Gate)
        {
            if (_elsewhere.Remove(token, out var worker))
            {
                worker.Elsewhere.Remove(token);
            }
        }
    }

    /// <summary>A worker has gone. Called under the lock.</summary>
    public void Forget(WorkerConnection worker)
    {
        foreach (var token in worker.Elsewhere)
        {
            _elsewhere.Remove(token);
        }

        worker.Elsewhere.Clear();
    }

    /// <summary>What workers of this process run of the activities that it owns now is theirs. Called under the lock.</summary>
    public void Claim()
    {
        foreach (var (token, worker) in _elsewhere.ToArray())
        {
            if (activities.TryClaim(worker, token))
            {
                _elsewhere.Remove(token);
                worker.Elsewhere.Remove(token);
            }
        }
    }
}
