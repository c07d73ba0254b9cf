using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <content>Task hubs as a whole.</content>
internal sealed partial class HubEngine
{
    /// <summary>The hub of that name; made when it is new.</summary>
    public async Task<HubState> HubAsync(string name, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_hubs.TryGetValue(name, out var hub))
            {
                return hub;
            }
        }

        var id = await _reader.HubIdAsync(name, cancellationToken);
        lock (_gate)
        {
            if (!_hubs.TryGetValue(name, out var hub))
            {
                _hubs[name] = hub = new HubState(id, name);
            }

            return hub;
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
            Empty(hub);
            return Write(new Commit { DeletedHub = hub.Id });
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
