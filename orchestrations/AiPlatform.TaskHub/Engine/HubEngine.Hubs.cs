using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <content>Task hubs as a whole.</content>
internal sealed partial class HubEngine
{
    // What was read of the table before a hub was deleted does not hold any more when that is durable.
    private int _deletions;
    private Task _deleting = Task.CompletedTask;

    /// <summary>The hub of that name; made when it is new.</summary>
    public async Task<HubState> HubAsync(string name, CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_hubs.TryGetValue(name, out var hub))
                {
                    return hub;
                }
            }

            var deletions = await DeletionsAsync(cancellationToken);
            var id = await _reader.HubIdAsync(name, cancellationToken);
            lock (_gate)
            {
                if (!_hubs.ContainsKey(name) && _deletions == deletions)
                {
                    _hubs[name] = new HubState(id, name);
                }
            }
        }
    }

    /// <summary>Removes a hub with all its instances and entities; its workers are sent away.</summary>
    public Task DeleteHubAsync(HubState hub)
    {
        lock (_gate)
        {
            if (!_hubs.TryGetValue(hub.Name, out var current) || current != hub)
            {
                return Task.CompletedTask;
            }

            _hubs.Remove(hub.Name);
            hub.IsDeleted = true;
            Empty(hub);
            _deletions++;
            var written = Write(new Commit { DeletedHub = hub.Id });
            _deleting = Task.WhenAll(_deleting, written);
            return written;
        }
    }

    /// <summary>How many deletions there were, when all of them are durable.</summary>
    private async Task<int> DeletionsAsync(CancellationToken cancellationToken)
    {
        int deletions;
        Task deleting;
        lock (_gate)
        {
            (deletions, deleting) = (_deletions, _deleting);
        }

        await deleting.WaitAsync(cancellationToken);
        return deletions;
    }

    /// <summary>Refuses what a call that found its hub before it was deleted would write. Called under the lock.</summary>
    /// <exception cref="HubDeletedException">It was deleted.</exception>
    private static void RequireThere(HubState hub)
    {
        if (hub.IsDeleted)
        {
            throw new HubDeletedException();
        }
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
            Forget(instance);
            Release(instance.StartWaiters);
            Release(instance.EndWaiters);
        }

        foreach (var entity in hub.Entities.Values.ToArray())
        {
            ForgetEntity(entity);
        }
    }
}

/// <summary>The task hub of a call was deleted while the call was on its way.</summary>
internal sealed class HubDeletedException() : Exception("The task hub was deleted at this moment; a further call makes a new one.");
