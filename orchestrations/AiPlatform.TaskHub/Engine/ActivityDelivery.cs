using System.Globalization;
using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Activities: which worker gets one, which deliveries are not answered, and what becomes of those of a lost worker. Guarded by the engine's lock.</summary>
internal sealed class ActivityDelivery(EngineContext context, Parking parking)
{
    // Deliveries that have not been answered, by token; also those whose instance has ended, so that the worker's slot is freed.
    private readonly Dictionary<string, PendingActivity> _leased = new(StringComparer.Ordinal);

    /// <summary>Lets an activity wait for a worker, or for a person when it is parked. Called under the lock.</summary>
    public void Enqueue(PendingActivity activity)
    {
        activity.Worker?.Activities.Remove(activity);
        activity.Worker = null;
        _leased.Remove(activity.Token);
        if (activity.Instance.Hub.Parked.ContainsKey((activity.Instance.Id, activity.TaskId)) || parking.ParkIfPoison(activity))
        {
            activity.IsParked = true;
            return;
        }

        activity.Instance.Hub.Activities.Enqueue(activity.Scheduled.Name, activity.Scheduled.Version, activity);
    }

    /// <summary>Lets activities wait for their workers to report before they are delivered to others. Called under the lock.</summary>
    /// <param name="waiting">The activities.</param>
    /// <param name="worker">Who has them; null for none.</param>
    public void EnqueueAfterGrace(PendingActivity[] waiting, WorkerConnection? worker)
    {
        if (waiting.Length == 0)
        {
            return;
        }

        context.Deadlines.Add(context.Now + context.Options.ActivityLeaseGrace, () =>
        {
            foreach (var activity in waiting.Where(activity => activity.IsWanted && activity.Worker == worker))
            {
                Enqueue(activity);
            }
        });
    }

    /// <summary>Gives the worker an activity if it has room and one waits. Called under the lock.</summary>
    public bool Serve(WorkerConnection worker)
    {
        while (worker.HasActivitySlot && worker.Hub.Activities.TryDequeue(worker.ActivityFilter, out var activity))
        {
            if (activity.IsWanted && activity.Worker is null)
            {
                Dispatch(worker, activity);
                return true;
            }
        }

        return false;
    }

    /// <summary>A worker has gone: what it ran is delivered again after a grace. Called under the lock.</summary>
    public void Lose(WorkerConnection worker)
    {
        foreach (var activity in worker.Activities.Where(activity => !activity.IsWanted))
        {
            _leased.Remove(activity.Token);
        }

        var lost = worker.Activities.Where(activity => activity.IsWanted).ToArray();
        if (lost.Length > 0)
        {
            Metrics.LeasesLost.Inc(lost.Length);
            EnqueueAfterGrace(lost, worker);
        }
    }

    /// <summary>Frees the workers of an instance's activities: another process delivers them. Called under the lock.</summary>
    public void Leave(LiveInstance instance)
    {
        foreach (var activity in instance.Activities.Values.Where(activity => activity.Worker is not null))
        {
            activity.Worker!.Activities.Remove(activity);
            _leased.Remove(activity.Token);
        }
    }

    /// <summary>The activity of a token, freed from its worker; null when there is none. Called under the lock.</summary>
    public PendingActivity? Take(string token)
    {
        if (!_leased.Remove(token, out var activity))
        {
            activity = FindByToken(token);
        }

        if (activity?.Worker is { } worker && activity.Token == token)
        {
            worker.Activities.Remove(activity);
            activity.Worker = null;
        }

        return activity;
    }

    /// <summary>Recognises an activity that a worker still runs from a delivery of before. Called under the lock.</summary>
    public bool TryClaim(WorkerConnection worker, string token)
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

    /// <summary>A token of before a restart still says which activity it is for.</summary>
    private PendingActivity? FindByToken(string token)
    {
        var parts = token.Split(':', 6);
        return parts.Length == 6 && parts[0] == "a"
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var key)
            && int.TryParse(parts[3], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var taskId)
            && context.ByKey.TryGetValue(key, out var instance)
            && instance.Activities.TryGetValue(taskId, out var activity)
            && activity.ExecutionId == parts[5]
                ? activity
                : null;
    }

    private void Dispatch(WorkerConnection worker, PendingActivity activity)
    {
        activity.Deliver(worker, context.NextNonce());
        worker.Activities.Add(activity);
        var instance = activity.Instance;
        worker.Send(new WorkItem
        {
            ActivityRequest = new()
            {
                Name = activity.Scheduled.Name,
                Version = activity.Scheduled.Version,
                Input = activity.Scheduled.Input,
                OrchestrationInstance = new() { InstanceId = instance.Id, ExecutionId = activity.ExecutionId },
                TaskId = activity.TaskId,
                ParentTraceContext = activity.Scheduled.ParentTraceContext,
                Tags = { activity.Scheduled.Tags },
            },
            CompletionToken = activity.Token,
        });
        _leased[activity.Token] = activity;
        Metrics.ActivitiesSent.Inc();
    }
}
