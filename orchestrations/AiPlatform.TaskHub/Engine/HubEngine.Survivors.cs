namespace AiPlatform.TaskHub.Engine;

/// <content>
/// Activities that a worker still runs for a process that is gone: what a process passes on to its workers for others it remembers,
/// should it come to own that. It is not delivered a second time.
/// </content>
internal sealed partial class HubEngine
{
    private const int MaxRunning = 20_000;

    // Activities of partitions that this process does not own, or not yet, by token: who runs them.
    private readonly Dictionary<string, WorkerConnection> _elsewhere = new(StringComparer.Ordinal);

    /// <summary>A worker was given an activity of another process.</summary>
    public void PassedOn(WorkerConnection worker, string token)
    {
        lock (_gate)
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
        lock (_gate)
        {
            if (_elsewhere.Remove(token, out var worker))
            {
                worker.Elsewhere.Remove(token);
            }
        }
    }

    private void ForgetElsewhere(WorkerConnection worker)
    {
        foreach (var token in worker.Elsewhere)
        {
            _elsewhere.Remove(token);
        }

        worker.Elsewhere.Clear();
    }

    /// <summary>Puts recovered work under way: what workers of this process run is theirs, the rest is delivered when its workers have had time to report.</summary>
    private void Resume(IReadOnlyCollection<LiveInstance> recovered)
    {
        foreach (var (token, worker) in _elsewhere.ToArray())
        {
            if (TryClaim(worker, token))
            {
                _elsewhere.Remove(token);
                worker.Elsewhere.Remove(token);
            }
        }

        var waiting = recovered.SelectMany(instance => instance.Activities.Values).Where(activity => activity.Worker is null).ToArray();
        if (waiting.Length > 0)
        {
            _deadlines.Add(Now + _options.ActivityLeaseGrace, () =>
            {
                foreach (var activity in waiting.Where(activity => activity is { IsWanted: true, Worker: null }))
                {
                    EnqueueActivity(activity);
                }
            });
        }

        foreach (var instance in recovered)
        {
            ArmTimers(instance);
            Activate(instance);
        }
    }

    private bool TryClaim(WorkerConnection worker, string token)
    {
        if (FindByToken(token) is not { IsWanted: true } activity || activity.Instance.Hub != worker.Hub || (activity.Worker is { IsClosed: false } other && other != worker))
        {
            return false;
        }

        activity.Worker?.Activities.Remove(activity);
        _leased.Remove(activity.Token);
        activity.Continue(worker, token);
        worker.Activities.Add(activity);
        _leased[token] = activity;
        return true;
    }
}
