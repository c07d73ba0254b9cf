using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <content>What clients ask for.</content>
internal sealed partial class HubEngine
{
    /// <summary>Starts an instance; the task ends when it is durable.</summary>
    /// <exception cref="InstanceExistsException">The id is taken and may not be replaced.</exception>
    public async Task StartAsync(HubState hub, CreateInstanceRequest request)
    {
        // Without a policy an id is free again when its instance has ended, as on Microsoft's backends.
        var replaceable = request.OrchestrationIdReusePolicy?.ReplaceableStatus.ToHashSet() ?? [.. FinishedStatuses];
        while (true)
        {
            var (done, wait) = TryStart(hub, request, replaceable);
            await wait;
            if (done)
            {
                return;
            }
        }
    }

    /// <summary>Sends an event. Where there is no instance, or one that has ended, it is dropped.</summary>
    public Task RaiseEventAsync(HubState hub, RaiseEventRequest request, CancellationToken cancellationToken)
        => ChangeAsync(
            hub,
            request.InstanceId,
            (commit, instance) => Append(commit, instance, NewEvent(item => item.EventRaised = new() { Name = request.Name, Input = request.Input })),
            mustExist: false,
            cancellationToken);

    /// <summary>Halts an instance: it gets no turns until it is resumed.</summary>
    /// <exception cref="KeyNotFoundException">No such instance.</exception>
    public Task SuspendAsync(HubState hub, SuspendRequest request, CancellationToken cancellationToken)
        => ChangeAsync(
            hub,
            request.InstanceId,
            (commit, instance) =>
            {
                if (!instance.IsSuspended)
                {
                    Append(commit, instance, NewEvent(item => item.ExecutionSuspended = new() { Input = request.Reason }));
                    instance.State.OrchestrationStatus = OrchestrationStatus.Suspended;
                    Touch(instance);
                    Snapshot(commit, instance);
                }
            },
            mustExist: true,
            cancellationToken);

    /// <summary>Lets a suspended instance go on.</summary>
    /// <exception cref="KeyNotFoundException">No such instance.</exception>
    public Task ResumeAsync(HubState hub, ResumeRequest request, CancellationToken cancellationToken)
        => ChangeAsync(
            hub,
            request.InstanceId,
            (commit, instance) =>
            {
                if (instance.IsSuspended)
                {
                    Append(commit, instance, NewEvent(item => item.ExecutionResumed = new() { Input = request.Reason }));
                    instance.State.OrchestrationStatus = OrchestrationStatus.Running;
                    Touch(instance);
                    Snapshot(commit, instance);
                }
            },
            mustExist: true,
            cancellationToken);

    /// <summary>Ends an instance at once, without its worker. Where there is none, nothing happens.</summary>
    public Task TerminateAsync(HubState hub, string instanceId, string? output, bool recurse, CancellationToken cancellationToken)
        => ChangeAsync(hub, instanceId, (commit, instance) => Terminate(commit, instance, output, recurse), mustExist: false, cancellationToken);

    /// <summary>The state of an instance as it is durable; null when it does not exist.</summary>
    public async Task<OrchestrationState?> GetAsync(HubState hub, string instanceId, bool payloads, CancellationToken cancellationToken)
    {
        OrchestrationState? state = null;
        Task? durable = null;
        lock (_gate)
        {
            if (hub.Instances.TryGetValue(instanceId, out var live))
            {
                state = live.State.Clone();
                state.Input = payloads ? live.Input : null;
                state.Output = payloads ? state.Output : null;
                state.FailureDetails = payloads ? state.FailureDetails : null;
                durable = live.Creation.IsCompletedSuccessfully ? live.LastCommit : live.Creation;
            }
        }

        if (durable is null)
        {
            return (await _reader.FindAsync(hub.Id, instanceId, payloads, cancellationToken))?.State;
        }

        try
        {
            await durable.WaitAsync(cancellationToken);
            return state;
        }
        catch (InstanceExistsException)
        {
            // The start that we saw was refused: an older, finished instance has this id.
            return (await _reader.FindAsync(hub.Id, instanceId, payloads, cancellationToken))?.State;
        }
    }

    /// <summary>Waits until the instance has left the pending status, or has ended.</summary>
    public async Task<OrchestrationState?> WaitAsync(HubState hub, string instanceId, bool untilEnd, bool payloads, CancellationToken cancellationToken)
    {
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Stopped);
        LiveInstance? instance;
        TaskCompletionSource? waiter = null;
        lock (_gate)
        {
            RequireOwned(instanceId);
            if (hub.Instances.TryGetValue(instanceId, out instance) && (untilEnd || instance.State.OrchestrationStatus == OrchestrationStatus.Pending))
            {
                waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                (untilEnd ? instance.EndWaiters : instance.StartWaiters).Add(waiter);
            }
        }

        if (waiter is not null)
        {
            try
            {
                await waiter.Task.WaitAsync(stopped.Token);
            }
            finally
            {
                lock (_gate)
                {
                    (untilEnd ? instance!.EndWaiters : instance!.StartWaiters).Remove(waiter);
                }
            }
        }

        return await GetAsync(hub, instanceId, payloads, cancellationToken);
    }

    /// <summary>The history of the current execution.</summary>
    /// <exception cref="KeyNotFoundException">No such instance.</exception>
    public async Task<IReadOnlyList<HistoryEvent>> HistoryAsync(HubState hub, string instanceId, CancellationToken cancellationToken)
    {
        HistoryEvent[]? history = null;
        Task durable = Task.CompletedTask;
        lock (_gate)
        {
            if (hub.Instances.TryGetValue(instanceId, out var live) && !live.Ended)
            {
                // What was folded is durable.
                history = [.. live.History];
            }
            else if (live is not null)
            {
                durable = live.LastCommit;
            }
        }

        if (history is not null)
        {
            return history;
        }

        await durable.WaitAsync(cancellationToken);
        var stored = await _reader.FindAsync(hub.Id, instanceId, false, cancellationToken) ?? throw new KeyNotFoundException($"There is no orchestration instance '{instanceId}'.");
        var past = new LiveInstance(hub, stored.Key, stored.State);
        await foreach (var row in _reader.LogAsync(stored.Key, cancellationToken))
        {
            past.Fold(row);
        }

        return past.History;
    }

    /// <summary>Removes finished instances.</summary>
    /// <returns>How many were removed.</returns>
    /// <exception cref="InvalidOperationException">An instance named by its id has not ended.</exception>
    public async Task<int> PurgeAsync(HubState hub, IReadOnlyCollection<string> instanceIds, bool recursive, CancellationToken cancellationToken)
    {
        var keys = new List<long>();
        foreach (var id in instanceIds)
        {
            Task settled;
            lock (_gate)
            {
                settled = hub.Instances.TryGetValue(id, out var live) && live.Ended ? live.LastCommit : Task.CompletedTask;
            }

            await settled.WaitAsync(cancellationToken);
            if (await _reader.FindAsync(hub.Id, id, false, cancellationToken) is { } stored)
            {
                keys.Add(stored.State.CompletedTimestamp is null ? throw new InvalidOperationException($"The orchestration instance '{id}' has not ended.") : stored.Key);
            }
        }

        return await PurgeAsync(keys, recursive, cancellationToken);
    }

    /// <summary>Removes finished instances that match, a bounded number of them.</summary>
    /// <returns>How many were removed, and whether that was all.</returns>
    public async Task<(int Count, bool Complete)> PurgeAsync(HubState hub, PurgeInstanceFilter filter, bool recursive, CancellationToken cancellationToken)
    {
        var keys = await _reader.FinishedAsync(hub.Id, filter, _options.PurgeBatch, cancellationToken);
        return (await PurgeAsync(keys, recursive, cancellationToken), keys.Count < _options.PurgeBatch);
    }

    private async Task<int> PurgeAsync(List<long> keys, bool recursive, CancellationToken cancellationToken)
    {
        if (keys.Count == 0)
        {
            return 0;
        }

        var all = recursive ? keys.Concat(await _reader.FinishedDescendantsAsync(keys, cancellationToken)).Distinct().ToArray() : [.. keys];
        Task written;
        lock (_gate)
        {
            written = Write(new Commit { Deletes = all });
        }

        await written.WaitAsync(cancellationToken);
        return all.Length;
    }

    private (bool Done, Task Wait) TryStart(HubState hub, CreateInstanceRequest request, HashSet<OrchestrationStatus> replaceable)
    {
        lock (_gate)
        {
            RequireOwned(request.InstanceId);
            RequireThere(hub);
            if (!hub.Instances.TryGetValue(request.InstanceId, out var live))
            {
                var commit = new Commit();
                var instance = Create(commit, hub, Started(request), null, [.. replaceable.Intersect(FinishedStatuses)]);
                instance.Creation = DecidedAsync(Write(commit, instance), commit, request.InstanceId);
                return (true, instance.Creation);
            }

            if (!string.IsNullOrEmpty(request.ExecutionId) && live.State.ExecutionId == request.ExecutionId)
            {
                return (true, live.Creation);
            }

            if (live.Ended || !live.Creation.IsCompleted)
            {
                // Its end or its own start is on the way: look again when that is known.
                return (false, SettledAsync(live.Ended ? live.LastCommit : live.Creation));
            }

            if (!replaceable.Contains(live.State.OrchestrationStatus))
            {
                throw new InstanceExistsException(request.InstanceId);
            }

            var end = new Commit();
            Terminate(end, live, null, recurse: false);
            replaceable.Add(OrchestrationStatus.Terminated);
            return (false, Write(end, live));
        }
    }

    private static async Task DecidedAsync(Task written, Commit commit, string instanceId)
    {
        await written;
        if (commit.Result == CommitResult.Conflict)
        {
            throw new InstanceExistsException(instanceId);
        }
    }

    private static async Task SettledAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (InstanceExistsException)
        {
            // The other start was refused; what matters is that it is decided.
        }
    }

    private static ExecutionStartedEvent Started(CreateInstanceRequest request) => new()
    {
        Name = request.Name,
        Version = request.Version,
        Input = request.Input,
        OrchestrationInstance = new()
        {
            InstanceId = request.InstanceId,
            ExecutionId = string.IsNullOrEmpty(request.ExecutionId) ? Guid.NewGuid().ToString("N") : request.ExecutionId,
        },

        // The epoch stands for "no time" in some SDKs.
        ScheduledStartTimestamp = request.ScheduledStartTimestamp is { Seconds: > 0 } ? request.ScheduledStartTimestamp : null,
        ParentTraceContext = request.ParentTraceContext,
        Tags = { request.Tags },
    };

    /// <summary>Carries out a change of a live instance and waits until it is durable; a finished instance stays as it is.</summary>
    private async Task ChangeAsync(HubState hub, string instanceId, Action<Commit, LiveInstance> change, bool mustExist, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task wait;
            var done = false;
            lock (_gate)
            {
                RequireOwned(instanceId);
                if (!hub.Instances.TryGetValue(instanceId, out var live))
                {
                    break;
                }

                if (!live.Creation.IsCompleted)
                {
                    wait = SettledAsync(live.Creation);
                }
                else if (live.Ended)
                {
                    wait = live.LastCommit;
                    done = true;
                }
                else
                {
                    var commit = new Commit();
                    change(commit, live);
                    wait = Write(commit, live);
                    done = true;
                }
            }

            await wait.WaitAsync(cancellationToken);
            if (done)
            {
                return;
            }
        }

        if (mustExist && await _reader.FindAsync(hub.Id, instanceId, false, cancellationToken) is null)
        {
            throw new KeyNotFoundException($"There is no orchestration instance '{instanceId}'.");
        }
    }

    /// <summary>Decides that an instance, and if asked its live sub-orchestrations, end as terminated. Called under the lock.</summary>
    private void Terminate(Commit commit, LiveInstance instance, string? output, bool recurse)
    {
        if (instance.Ended)
        {
            return;
        }

        string[] children = recurse ? [.. instance.SubOrchestrations.Values] : [];
        if (instance.Stage == TurnStage.Dispatched)
        {
            instance.Turn?.Worker.Turns.Remove(instance);
        }

        var record = new HistoryChunk
        {
            Events =
            {
                NewEvent(item => item.ExecutionTerminated = new() { Input = output, Recurse = recurse }),
                NewEvent(item => item.ExecutionCompleted = new() { OrchestrationStatus = OrchestrationStatus.Terminated, Result = output }),
            },
        };
        commit.Log.Add(new LogRow(instance.Key, instance.NextSeq++, LogKind.Turn, 0, record.ToByteArray()));
        End(commit, instance, new CompleteOrchestrationAction { OrchestrationStatus = OrchestrationStatus.Terminated, Result = output });
        foreach (var child in children)
        {
            Deliver(commit, instance.Hub, new(child, NewEvent(item => item.ExecutionTerminated = new() { Input = output, Recurse = true })));
        }
    }

    private void Touch(LiveInstance instance) => instance.State.LastUpdatedTimestamp = Timestamp.FromDateTime(Now);
}

/// <summary>An instance of that id exists and may not be replaced.</summary>
internal sealed class InstanceExistsException(string instanceId) : Exception($"An orchestration instance '{instanceId}' exists already.");
