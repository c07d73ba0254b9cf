using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Takes partitions with their state from the tables into memory, and gives them away.</summary>
internal sealed class PartitionLoader(
    EngineContext context, OwnedPartitions partitions, HubCatalog hubs, Instances instances, Entities entities, TurnDelivery turns,
    ActivityDelivery activities, Survivors survivors, ForeignMessages messages)
{
    /// <summary>Takes free partitions, at most so many, and rebuilds their state in memory from the tables.</summary>
    public async Task AcquireAsync(int most, CancellationToken cancellationToken)
    {
        List<int> taken = [];
        var known = partitions.Owned;
        await context.ControlAsync(async (owner, token) => taken = await owner.AcquireAsync(most, known, token)).WaitAsync(cancellationToken);
        if (taken.Count == 0)
        {
            return;
        }

        try
        {
            await RecoverAsync(taken, cancellationToken);
        }
        catch
        {
            // Not ours without their state: whoever can read it may have them.
            await context.ControlAsync((owner, token) => owner.ReleaseAsync(taken, token)).WaitAsync(cancellationToken);
            throw;
        }

        messages.Ring();
    }

    /// <summary>Rebuilds the state of partitions in memory; from then on they are served.</summary>
    private async Task RecoverAsync(List<int> taken, CancellationToken cancellationToken)
    {
        var started = context.Time.GetTimestamp();
        var known = await hubs.KnownAsync(cancellationToken);
        var recovered = new Dictionary<long, LiveInstance>();
        await foreach (var stored in context.Reader.LiveInstancesAsync(taken, cancellationToken))
        {
            var input = stored.State.Input;
            stored.State.Input = null;
            recovered[stored.Key] = new LiveInstance(known[stored.Hub], stored.Key, stored.State) { Input = input };
        }

        await foreach (var row in context.Reader.LiveLogAsync(taken, cancellationToken))
        {
            recovered[row.InstanceKey].Fold(row);
        }

        var inbox = await context.Reader.EntityInboxAsync(taken, cancellationToken);
        var parked = await context.Reader.ParkedAsync(cancellationToken);
        lock (context.Gate)
        {
            partitions.Take(taken);
            foreach (var row in parked.Where(row => known.ContainsKey(row.Hub) && taken.Contains(Partition.Of(row.InstanceId))))
            {
                known[row.Hub].Parked[(row.InstanceId, row.TaskId)] = row;
            }

            foreach (var instance in recovered.Values)
            {
                context.ByKey[instance.Key] = instance;
                instance.Hub.Instances[instance.Id] = instance;
                instance.Parent = instance.Started.ParentInstance;
            }

            Resume(recovered.Values);
            foreach (var (key, item) in inbox.Where(message => known.ContainsKey(message.Key.Hub)))
            {
                entities.Arrive(known[key.Hub], key.EntityId, new(key.Seq, item));
            }

            context.Pump();
        }

        Logs.Acquired(context.Logger, taken.Count, recovered.Count, context.Time.GetElapsedTime(started).TotalMilliseconds);
    }

    /// <summary>Gives partitions to other processes, when everything decided in them is durable.</summary>
    public async Task ReleaseAsync(int count, CancellationToken cancellationToken)
    {
        int[] leaving;
        Task released;
        lock (context.Gate)
        {
            leaving = partitions.Leave(count);

            // What was decided before is written first; nothing more is decided in these partitions.
            ForgetPartitions(leaving);
            released = context.Write(new Commit { Control = (owner, token) => owner.ReleaseAsync(leaving, token) });
        }

        await released.WaitAsync(cancellationToken);
        Metrics.PartitionsReleased.Inc(leaving.Length);
        Logs.Released(context.Logger, leaving.Length);
    }

    /// <summary>Puts recovered work under way: what workers of this process run is theirs, the rest is delivered when its workers have had time to report.</summary>
    private void Resume(IReadOnlyCollection<LiveInstance> recovered)
    {
        survivors.Claim();
        activities.EnqueueAfterGrace([.. recovered.SelectMany(instance => instance.Activities.Values).Where(activity => activity.Worker is null)], worker: null);
        foreach (var instance in recovered)
        {
            instances.ArmAll(instance);
            turns.Activate(instance);
        }
    }

    /// <summary>Forgets what is in memory of partitions. Called under the lock.</summary>
    private void ForgetPartitions(int[] leaving)
    {
        foreach (var instance in context.ByKey.Values.Where(instance => leaving.Contains(instance.Partition)).ToArray())
        {
            instance.Turn?.Worker.Turns.Remove(instance);
            activities.Leave(instance);
            instance.Ended = true;
            instances.Forget(instance);
            foreach (var waiter in instance.StartWaiters.Concat(instance.EndWaiters))
            {
                waiter.TrySetException(new NotOwnerException());
            }
        }

        foreach (var hub in context.Hubs.Values)
        {
            foreach (var key in hub.Parked.Keys.Where(key => leaving.Contains(Partition.Of(key.InstanceId))).ToArray())
            {
                hub.Parked.Remove(key);
            }
        }

        foreach (var entity in context.Hubs.Values.SelectMany(hub => hub.Entities.Values).Where(entity => leaving.Contains(Partition.Of(entity.Id))).ToArray())
        {
            entity.Batch?.Worker.Entities.Remove(entity);
            entities.Forget(entity);
        }
    }
}
