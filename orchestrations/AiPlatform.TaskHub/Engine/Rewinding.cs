using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Rewinding: a failed instance goes on from before its failure.</summary>
internal sealed class Rewinding(EngineContext context, OwnedPartitions partitions, ActivityDelivery activities, Instances instances)
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
        var stored = await context.Reader.FindAsync(hub.Id, instanceId, true, cancellationToken)
            ?? throw new KeyNotFoundException($"There is no orchestration instance '{instanceId}'.");
        var instance = new LiveInstance(hub, stored.Key, stored.State);
        var reserved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        instance.Creation = reserved.Task;
        lock (context.Gate)
        {
            partitions.RequireOwned(instanceId);

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
            await foreach (var row in context.Reader.LogAsync(stored.Key, cancellationToken))
            {
                instance.Fold(row);
            }

            var history = History.WithoutFailures(instance.History);
            instance.FoldRewound(history);
            var children = new Dictionary<int, OrchestrationState?>();
            foreach (var (taskId, childId) in instance.SubOrchestrations)
            {
                children[taskId] = (await context.Reader.FindAsync(hub.Id, childId, false, cancellationToken))?.State;
            }

            failedChildren = [.. children.Values.Where(child => child?.OrchestrationStatus == OrchestrationStatus.Failed).Select(child => child!.InstanceId)];
            lock (context.Gate)
            {
                partitions.RequireOwned(instanceId);
                written = Rewind(instance, history, reason, children);
            }
        }
        catch
        {
            lock (context.Gate)
            {
                instances.Forget(instance);
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

    /// <summary>Replaces the history; when durable what it leaves pending is under way again.</summary>
    public void Rewrite(Commit commit, LiveInstance instance, List<HistoryEvent> history, string? reason)
    {
        var row = new HistoryChunk { Events = { history } };
        commit.Log.Add(new LogRow(instance.Key, instance.NextSeq++, LogKind.Rewound, 0, row.ToByteArray()));
        commit.Apply += () =>
        {
            instances.Disarm(instance);
            instance.FoldRewound(history);
            Resume(instance);
            instance.Stage = TurnStage.Idle;
        };
        instances.Append(commit, instance, context.NewEvent(item => item.ExecutionRewound = new() { Reason = reason }));
    }

    private Task Rewind(LiveInstance instance, List<HistoryEvent> history, string? reason, Dictionary<int, OrchestrationState?> children)
    {
        var commit = new Commit();
        context.ByKey[instance.Key] = instance;
        instance.Parent = instance.Started.ParentInstance;
        instance.Input = instance.State.Input;
        instance.State.Input = null;
        instance.State.Output = null;
        instance.State.FailureDetails = null;
        instance.State.CompletedTimestamp = null;
        instance.State.OrchestrationStatus = OrchestrationStatus.Running;
        instances.Touch(instance);
        Instances.Snapshot(commit, instance);
        instance.Stage = TurnStage.Committing;
        Rewrite(commit, instance, history, reason);
        foreach (var (taskId, child) in children)
        {
            if (Missed(taskId, child) is { } missed)
            {
                instances.Append(commit, instance, missed);
            }
        }

        return context.Write(commit, instance);
    }

    /// <summary>A child that ended while its parent was not there to hear of it.</summary>
    private HistoryEvent? Missed(int taskId, OrchestrationState? child) => child?.OrchestrationStatus switch
    {
        OrchestrationStatus.Completed => context.NewEvent(item => item.SubOrchestrationInstanceCompleted = new() { TaskScheduledId = taskId, Result = child.Output }),
        null or OrchestrationStatus.Terminated or OrchestrationStatus.Canceled => context.NewEvent(item => item.SubOrchestrationInstanceFailed = new()
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
            activities.Enqueue(activity);
        }

        instances.ArmAll(instance);
    }
}
