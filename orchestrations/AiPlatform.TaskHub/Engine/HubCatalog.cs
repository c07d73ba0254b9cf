using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Task hubs as a whole: they come to be when they are named, and are deleted with all that is in them.</summary>
internal sealed class HubCatalog(EngineContext context, Instances instances, Entities entities)
{
    // What was read of the table before a hub was deleted does not hold any more when that is durable.
    private int _deletions;
    private Task _deleting = Task.CompletedTask;

    /// <summary>The hub of that name; made when it is new.</summary>
    public async Task<HubState> FindAsync(string name, CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (context.Gate)
            {
                if (context.Hubs.TryGetValue(name, out var hub))
                {
                    return hub;
                }
            }

            var deletions = await DeletionsAsync(cancellationToken);
            var id = await context.Reader.HubIdAsync(name, cancellationToken);
            lock (context.Gate)
            {
                if (!context.Hubs.ContainsKey(name) && _deletions == deletions)
                {
                    context.Hubs[name] = new HubState(id, name);
                }
            }
        }
    }

    /// <summary>All hubs by id; those that other processes made are known from then on.</summary>
    public async Task<Dictionary<int, HubState>> KnownAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var deletions = await DeletionsAsync(cancellationToken);
            var known = await context.Reader.HubsAsync(cancellationToken);
            lock (context.Gate)
            {
                if (_deletions != deletions)
                {
                    continue;
                }

                foreach (var (id, name) in known)
                {
                    if (!context.Hubs.TryGetValue(name, out var hub) || hub.Id != id)
                    {
                        context.Hubs[name] = new HubState(id, name);
                    }
                }

                return context.Hubs.Values.ToDictionary(hub => hub.Id);
            }
        }
    }

    /// <summary>Removes a hub with all its instances and entities; its workers are sent away.</summary>
    public Task DeleteAsync(HubState hub)
    {
        lock (context.Gate)
        {
            if (!context.Hubs.TryGetValue(hub.Name, out var current) || current != hub)
            {
                return Task.CompletedTask;
            }

            context.Hubs.Remove(hub.Name);
            hub.IsDeleted = true;
            Empty(hub);
            _deletions++;
            var written = context.Write(new Commit { DeletedHub = hub.Id });
            _deleting = Task.WhenAll(_deleting, written);
            return written;
        }
    }

    /// <summary>How many deletions there were, when all of them are durable.</summary>
    private async Task<int> DeletionsAsync(CancellationToken cancellationToken)
    {
        int deletions;
        Task deleting;
        lock (context.Gate)
        {
            (deletions, deleting) = (_deletions, _deleting);
        }

        await deleting.WaitAsync(cancellationToken);
        return deletions;
    }

    /// <summary>Forgets what a hub holds in memory. Called under the lock.</summary>
    private void Empty(HubState hub)
    {
        foreach (var worker in hub.Workers)
        {
            worker.Close();
        }

        foreach (var instance in hub.Instances.Values.ToArray())
        {
            instance.Ended = true;
            instances.Forget(instance);
            Instances.Release(instance.StartWaiters);
            Instances.Release(instance.EndWaiters);
        }

        foreach (var entity in hub.Entities.Values.ToArray())
        {
            entities.Forget(entity);
        }
    }
}
