using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <content>Which partitions this process owns, and the messages that other processes sent to them.</content>
internal sealed partial class HubEngine
{
    private const int MessagePage = 1000;

    private readonly bool[] _owned = new bool[Partition.Count];

    // Partitions of other processes that messages were written to since they were last told.
    private readonly HashSet<int> _sent = [];
    private readonly SemaphoreSlim _sentWait = new(0, 1);
    private readonly SemaphoreSlim _messagesWait = new(0, 1);

    /// <summary>The partitions that this process owns.</summary>
    public int[] Owned
    {
        get
        {
            lock (_gate)
            {
                return [.. Enumerable.Range(0, Partition.Count).Where(id => _owned[id])];
            }
        }
    }

    /// <summary>Whether an instance, entity or partition is this process's.</summary>
    public bool Owns(int partition)
    {
        lock (_gate)
        {
            return _owned[partition];
        }
    }

    /// <summary>Waits until messages were sent to partitions of others, and says which.</summary>
    public async Task<int[]> SentAsync(CancellationToken cancellationToken)
    {
        await _sentWait.WaitAsync(cancellationToken);
        lock (_gate)
        {
            int[] sent = [.. _sent];
            _sent.Clear();
            return sent;
        }
    }

    /// <summary>Takes free partitions, at most so many, and rebuilds their state in memory from the tables.</summary>
    public async Task AcquireAsync(int most, CancellationToken cancellationToken)
    {
        List<int> taken = [];
        var known = Owned;
        await ControlAsync(async (owner, token) => taken = await owner.AcquireAsync(most, known, token)).WaitAsync(cancellationToken);
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
            await ControlAsync((owner, token) => owner.ReleaseAsync(taken, token)).WaitAsync(cancellationToken);
            throw;
        }

        RingMessages();
    }

    /// <summary>Rebuilds the state of partitions in memory; from then on they are served.</summary>
    private async Task RecoverAsync(List<int> taken, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        var hubs = await KnowHubsAsync(cancellationToken);
        var instances = new Dictionary<long, LiveInstance>();
        await foreach (var stored in _reader.LiveInstancesAsync(taken, cancellationToken))
        {
            var input = stored.State.Input;
            stored.State.Input = null;
            instances[stored.Key] = new LiveInstance(hubs[stored.Hub], stored.Key, stored.State) { Input = input };
        }

        await foreach (var row in _reader.LiveLogAsync(taken, cancellationToken))
        {
            instances[row.InstanceKey].Fold(row);
        }

        var messages = await _reader.EntityInboxAsync(taken, cancellationToken);
        var parked = await _reader.ParkedAsync(cancellationToken);
        lock (_gate)
        {
            taken.ForEach(id => _owned[id] = true);
            foreach (var row in parked.Where(row => hubs.ContainsKey(row.Hub) && taken.Contains(Partition.Of(row.InstanceId))))
            {
                hubs[row.Hub].Parked[(row.InstanceId, row.TaskId)] = row;
            }

            foreach (var instance in instances.Values)
            {
                _byKey[instance.Key] = instance;
                instance.Hub.Instances[instance.Id] = instance;
                instance.Parent = instance.Started.ParentInstance;
            }

            Resume(instances.Values);
            foreach (var (key, item) in messages.Where(message => hubs.ContainsKey(message.Key.Hub)))
            {
                Arrive(Entity(hubs[key.Hub], key.EntityId), new(key.Seq, item));
            }

            PumpAll();
        }

        Logs.Acquired(_logger, taken.Count, instances.Count, _time.GetElapsedTime(started).TotalMilliseconds);
    }

    private Task ControlAsync(Func<HubOwner, CancellationToken, Task> control)
    {
        lock (_gate)
        {
            return Write(new Commit { Control = control });
        }
    }

    /// <summary>Gives partitions to other processes, when everything decided in them is durable.</summary>
    public async Task ReleaseAsync(int count, CancellationToken cancellationToken)
    {
        int[] leaving;
        Task released;
        lock (_gate)
        {
            leaving = [.. Enumerable.Range(0, Partition.Count).Where(id => _owned[id]).TakeLast(count)];
            foreach (var id in leaving)
            {
                _owned[id] = false;
            }

            // What was decided before is written first; nothing more is decided in these partitions.
            ForgetPartitions(leaving);
            released = Write(new Commit { Control = (owner, token) => owner.ReleaseAsync(leaving, token) });
        }

        await released.WaitAsync(cancellationToken);
        Metrics.PartitionsReleased.Inc(leaving.Length);
        Logs.Released(_logger, leaving.Length);
    }

    /// <summary>Other processes have sent something.</summary>
    public void RingMessages()
    {
        lock (_gate)
        {
            Ring(_messagesWait);
        }
    }

    /// <summary>Carries out what other processes sent to our partitions, until the engine stops. It looks when told to, and now and then.</summary>
    public async Task ReceiveMessagesAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await _messagesWait.WaitAsync(_options.MessagePoll, cancellationToken);
            while (Owned is { Length: > 0 } owned && await _reader.MessagesAsync(owned, MessagePage, cancellationToken) is { Count: > 0 } rows)
            {
                var hubs = await KnowHubsAsync(cancellationToken);
                Task[] written;
                lock (_gate)
                {
                    written = [.. rows.Where(row => _owned[row.Partition]).Select(row => Receive(hubs.GetValueOrDefault(row.Hub), row))];
                }

                // The next look must not find them again.
                await Task.WhenAll(written);
                if (written.Length < MessagePage)
                {
                    break;
                }
            }
        }
    }

    private Task Receive(HubState? hub, MessageRow row)
    {
        var commit = new Commit { MessagesDone = { row.Id } };
        if (PayloadToken.In(row.Payload).Count > 0)
        {
            commit.PayloadsFreed.Add(PayloadRows.OfMessage(row.Id));
        }

        if (hub is not null)
        {
            Deliver(commit, hub, new(row.Target, HistoryEvent.Parser.ParseFrom(row.Payload), row.ExecutionId, row.SenderKey));
        }

        return Write(commit);
    }

    /// <summary>Those of the given blobs that no row names, asked when everything decided before is durable.</summary>
    public async Task<IReadOnlyList<string>> UnnamedPayloadsAsync(string[] blobs, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> unnamed = [];
        await ControlAsync(async (owner, token) => unnamed = await owner.UnnamedPayloadsAsync(blobs, token)).WaitAsync(cancellationToken);
        return unnamed;
    }

    private async Task<Dictionary<int, HubState>> KnowHubsAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var deletions = await DeletionsAsync(cancellationToken);
            var known = await _reader.HubsAsync(cancellationToken);
            lock (_gate)
            {
                if (_deletions != deletions)
                {
                    continue;
                }

                foreach (var (id, name) in known)
                {
                    if (!_hubs.TryGetValue(name, out var hub) || hub.Id != id)
                    {
                        _hubs[name] = new HubState(id, name);
                    }
                }

                return _hubs.Values.ToDictionary(hub => hub.Id);
            }
        }
    }

    /// <summary>Forgets what is in memory of partitions. Called under the lock.</summary>
    private void ForgetPartitions(int[] leaving)
    {
        foreach (var instance in _byKey.Values.Where(instance => leaving.Contains(instance.Partition)).ToArray())
        {
            instance.Turn?.Worker.Turns.Remove(instance);
            foreach (var activity in instance.Activities.Values.Where(activity => activity.Worker is not null))
            {
                activity.Worker!.Activities.Remove(activity);
                _leased.Remove(activity.Token);
            }

            instance.Ended = true;
            Forget(instance);
            foreach (var waiter in instance.StartWaiters.Concat(instance.EndWaiters))
            {
                waiter.TrySetException(new NotOwnerException());
            }
        }

        foreach (var hub in _hubs.Values)
        {
            foreach (var key in hub.Parked.Keys.Where(key => leaving.Contains(Partition.Of(key.InstanceId))).ToArray())
            {
                hub.Parked.Remove(key);
            }
        }

        foreach (var entity in _hubs.Values.SelectMany(hub => hub.Entities.Values).Where(entity => leaving.Contains(Partition.Of(entity.Id))).ToArray())
        {
            entity.Batch?.Worker.Entities.Remove(entity);
            ForgetEntity(entity);
        }
    }

    private void ForgetEntity(LiveEntity entity)
    {
        if (entity.Idle is not null)
        {
            _idleEntities.Remove(entity.Idle);
            entity.Idle = null;
        }

        entity.IsForgotten = true;
        entity.Stage = TurnStage.Idle;
        entity.Hub.Entities.Remove(entity.Id);
    }

    private static void Ring(SemaphoreSlim bell)
    {
        if (bell.CurrentCount == 0)
        {
            bell.Release();
        }
    }

    private void RequireOwned(string id)
    {
        if (!_owned[Partition.Of(id)])
        {
            throw new NotOwnerException();
        }
    }
}

/// <summary>This process does not own what a call is for; its owner does.</summary>
internal sealed class NotOwnerException() : Exception("This process does not own that part of the task hub at the moment.");
