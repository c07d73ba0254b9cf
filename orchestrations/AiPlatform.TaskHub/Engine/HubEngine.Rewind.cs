using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <content>Rewinding: a failed instance goes on from before its failure.</content>
internal sealed partial class HubEngine
{
    /// <summary>
    /// Takes the failures out of a failed instance's history and lets it run on: failed activities are scheduled again, failed
    /// sub-orchestrations are rewound as well. Its execution id stays, so that what is still under way for it counts.
    /// </summary>
    /// <returns>The sub-orchestrations that must be rewound too.</returns>
    /// <exception cref="KeyNotFoundException">No such instance.</exception>
    /// <exception cref="InvalidOperationException">The instance has not failed.</exception>
    public async Task<IReadOnlyList<string>> RewindAsync(HubState hub, string instanceId, string? reason, CancellationToken cancellationToken)
    {
        var stored = await _reader.FindAsync(hub.Id, instanceId, true, cancellationToken)
            ?? throw new KeyNotFoundException($"There is no orchestration instance '{instanceId}'.");
        var instance = new LiveInstance(hub, stored.Key, stored.State);
        var reserved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        instance.Creation = reserved.Task;
        lock (_gate)
        {
            RequireOwned(instanceId);

            // From here on nobody else starts, purges or rewinds it.
            if (stored.State.OrchestrationStatus != OrchestrationStatus.Failed || !hub.Instances.TryAdd(instanceId, instance))
            {
                throw new InvalidOperationException($"The orchestration instance '{instanceId}' has not failed.");
            }
        }

        Task written;
        string[] failedChildren;
        try
        {
            await foreach (var row in _reader.LogAsync(stored.Key, cancellationToken))
            {
                instance.Fold(row);
            }

            var history = History.WithoutFailures(instance.History);
            instance.FoldRewound(history);
            var children = new Dictionary<int, OrchestrationState?>();
            foreach (var (taskId, childId) in instance.SubOrchestrations)
            {
                children[taskId] = (await _reader.FindAsync(hub.Id, childId, false, cancellationToken))?.State;
            }

            failedChildren = [.. children.Values.Where(child => child?.OrchestrationStatus == OrchestrationStatus.Failed).Select(child => child!.InstanceId)];
            lock (_gate)
            {
                RequireOwned(instanceId);
                written = Rewind(instance, history, reason, children);
            }
        }
        catch
        {
            lock (_gate)
            {
                Forget(instance);
            }

            throw;
        }
        finally
        {
            reserved.SetResult();
        }

        await written.WaitAsync(cancellationToken);
        return failedChildren;
    }

    private Task Rewind(LiveInstance instance, List<HistoryEvent> history, string? reason, Dictionary<int, OrchestrationState?> children)
    {
        var commit = new Commit();
        _byKey[instance.Key] = instance;
        instance.Parent = instance.Started.ParentInstance;
        instance.Input = instance.State.Input;
        instance.State.Input = null;
        instance.State.Output = null;
        instance.State.FailureDetails = null;
        instance.State.CompletedTimestamp = null;
        instance.State.OrchestrationStatus = OrchestrationStatus.Running;
        Touch(instance);
        Snapshot(commit, instance);
        instance.Stage = TurnStage.Committing;
        Rewrite(commit, instance, history, reason);
        foreach (var (taskId, child) in children)
        {
            if (Missed(taskId, child) is { } missed)
            {
                Append(commit, instance, missed);
            }
        }

        return Write(commit, instance);
    }

    /// <summary>Replaces the history; when durable what it leaves pending is under way again.</summary>
    private void Rewrite(Commit commit, LiveInstance instance, List<HistoryEvent> history, string? reason)
    {
        var row = new HistoryChunk { Events = { history } };
        commit.Log.Add(new LogRow(instance.Key, instance.NextSeq++, LogKind.Rewound, 0, row.ToByteArray()));
        commit.Apply += () =>
        {
            Disarm(instance);
            instance.FoldRewound(history);
            Resume(instance);
            instance.Stage = TurnStage.Idle;
        };
        Append(commit, instance, NewEvent(item => item.ExecutionRewound = new() { Reason = reason }));
    }

    /// <summary>A child that ended while its parent was not there to hear of it.</summary>
    private HistoryEvent? Missed(int taskId, OrchestrationState? child) => child?.OrchestrationStatus switch
    {
        OrchestrationStatus.Completed => NewEvent(item => item.SubOrchestrationInstanceCompleted = new() { TaskScheduledId = taskId, Result = child.Output }),
        null or OrchestrationStatus.Terminated or OrchestrationStatus.Canceled => NewEvent(item => item.SubOrchestrationInstanceFailed = new()
        {
            TaskScheduledId = taskId,
            FailureDetails = new() { ErrorType = "SubOrchestrationTerminated", ErrorMessage = "The sub-orchestration was terminated or purged.", IsNonRetriable = true },
        }),
        _ => null,
    };

    /// <summary>Puts pending activities and timers of an instance under way. Called under the lock.</summary>
    private void Resume(LiveInstance instance)
    {
        foreach (var activity in instance.Activities.Values)
        {
            EnqueueActivity(activity);
        }

        ArmTimers(instance);
    }

    private void ArmTimers(LiveInstance instance)
    {
        foreach (var (id, fireAt) in instance.Timers)
        {
            ArmTimer(instance, id, fireAt);
        }
    }
}
