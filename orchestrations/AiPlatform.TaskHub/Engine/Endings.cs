using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <summary>How instances end, and who is told. Guarded by the engine's lock.</summary>
internal sealed class Endings(EngineContext context, Instances instances, MessageRouter router)
{
    /// <summary>
    /// Decides the end of an instance: its status, the message to its parent, and that it leaves the memory. Called under the lock.
    /// </summary>
    public void End(Commit commit, LiveInstance instance, CompleteOrchestrationAction result)
    {
        var now = Timestamp.FromDateTime(context.Now);
        instance.Ended = true;
        instance.State.OrchestrationStatus = result.OrchestrationStatus;
        instance.State.Output = result.Result;
        instance.State.FailureDetails = result.FailureDetails;
        instance.State.LastUpdatedTimestamp = now;
        instance.State.CompletedTimestamp = now;
        Instances.Snapshot(commit, instance);
        if (Parking.Unpark(instance.Hub, instance.Id))
        {
            commit.Unparked = (instance.Hub.Id, instance.Id);
        }

        NotifyParent(commit, instance, result);
        ReleaseLocks(commit, instance);
        commit.Apply += () =>
        {
            instances.Forget(instance);
            Instances.Release(instance.StartWaiters);
            Instances.Release(instance.EndWaiters);
            Metrics.Ended(instance.State.OrchestrationStatus);
        };
    }

    /// <summary>Decides that an instance, and if asked its live sub-orchestrations, end as terminated. Called under the lock.</summary>
    public void Terminate(Commit commit, LiveInstance instance, string? output, bool recurse)
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
                context.NewEvent(item => item.ExecutionTerminated = new() { Input = output, Recurse = recurse }),
                context.NewEvent(item => item.ExecutionCompleted = new() { OrchestrationStatus = OrchestrationStatus.Terminated, Result = output }),
            },
        };
        commit.Log.Add(new LogRow(instance.Key, instance.NextSeq++, LogKind.Turn, 0, record.ToByteArray()));
        End(commit, instance, new CompleteOrchestrationAction { OrchestrationStatus = OrchestrationStatus.Terminated, Result = output });
        foreach (var child in children)
        {
            router.Deliver(commit, instance.Hub, new(child, context.NewEvent(item => item.ExecutionTerminated = new() { Input = output, Recurse = true })));
        }
    }

    /// <summary>An execution that ends gives back the locks that it holds or waits for.</summary>
    public void ReleaseLocks(Commit commit, LiveInstance instance)
    {
        foreach (var (section, entities) in instance.Locks)
        {
            foreach (var entity in entities)
            {
                if (EntityName.TryNormalize(entity, out var id))
                {
                    router.Deliver(commit, instance.Hub, new(id, context.NewEvent(item => item.EntityUnlockSent = new() { CriticalSectionId = section, ParentInstanceId = instance.Id })));
                }
            }
        }
    }

    private void NotifyParent(Commit commit, LiveInstance instance, CompleteOrchestrationAction result)
    {
        if (instance.Parent is not { } parent)
        {
            return;
        }

        var message = context.NewEvent(item =>
        {
            if (result.OrchestrationStatus == OrchestrationStatus.Completed)
            {
                item.SubOrchestrationInstanceCompleted = new() { TaskScheduledId = parent.TaskScheduledId, Result = result.Result };
                return;
            }

            item.SubOrchestrationInstanceFailed = new()
            {
                TaskScheduledId = parent.TaskScheduledId,
                FailureDetails = result.FailureDetails ?? new TaskFailureDetails
                {
                    ErrorType = "SubOrchestration" + result.OrchestrationStatus,
                    ErrorMessage = $"The sub-orchestration '{instance.Id}' ended as {result.OrchestrationStatus}.",
                    IsNonRetriable = result.OrchestrationStatus == OrchestrationStatus.Terminated,
                },
            };
        });
        router.Deliver(commit, instance.Hub, new(parent.OrchestrationInstance.InstanceId, message, parent.OrchestrationInstance.ExecutionId));
    }
}
