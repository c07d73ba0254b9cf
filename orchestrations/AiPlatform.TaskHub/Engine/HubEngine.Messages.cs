using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using EventCase = AiPlatform.TaskHub.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <summary>What one instance or entity sends to another.</summary>
/// <param name="Target">The id of the receiver.</param>
/// <param name="Event">A start, a request to terminate, a message to an entity, or an event of the receiver's history.</param>
/// <param name="ExecutionId">When set, the only execution of the receiver that the event is for.</param>
/// <param name="SenderKey">The parent's key, for a start.</param>
internal sealed record Envelope(string Target, HistoryEvent Event, string? ExecutionId = null, long? SenderKey = null);

/// <content>Messages between instances and entities.</content>
internal sealed partial class HubEngine
{
    /// <summary>Adds to a commit what the message causes at its receiver. One without a receiver is dropped. Called under the lock.</summary>
    private void Deliver(Commit commit, HubState hub, Envelope message)
    {
        var partition = Partition.Of(message.Target);
        if (!_owned[partition])
        {
            commit.Messages.Add(new(++_lastNonce, partition, hub.Id, message.Target, message.ExecutionId, message.SenderKey, message.Event.ToByteArray()));
            commit.Apply += () =>
            {
                _sent.Add(partition);
                Ring(_sentWait);
            };
            return;
        }

        switch (message.Event.EventTypeCase)
        {
            case EventCase.ExecutionStarted:
                StartChild(commit, hub, message);
                break;
            case EventCase.ExecutionTerminated:
                if (hub.Instances.TryGetValue(message.Target, out var ending))
                {
                    Terminate(commit, ending, message.Event.ExecutionTerminated.Input, message.Event.ExecutionTerminated.Recurse);
                }

                break;
            case EventCase.EntityOperationSignaled or EventCase.EntityOperationCalled or EventCase.EntityLockRequested or EventCase.EntityUnlockSent:
                Enqueue(commit, hub, message.Target, message.Event);
                break;
            default:
                if (hub.Instances.TryGetValue(message.Target, out var target) && !target.Ended
                    && (string.IsNullOrEmpty(message.ExecutionId) || message.ExecutionId == target.State.ExecutionId))
                {
                    Append(commit, target, message.Event);
                }

                break;
        }
    }

    /// <summary>Starts a sub-orchestration, or an entity's orchestration; an id that is in use is a failure of the parent's call.</summary>
    private void StartChild(Commit commit, HubState hub, Envelope message)
    {
        var started = message.Event.ExecutionStarted;
        if (!hub.Instances.ContainsKey(message.Target))
        {
            Create(commit, hub, started, message.SenderKey, FinishedStatuses);
        }
        else if (started.ParentInstance is { } parent)
        {
            if (hub.Instances.TryGetValue(parent.OrchestrationInstance.InstanceId, out var caller))
            {
                // Whose id that is lives on when the caller is terminated with its children.
                caller.SubOrchestrations.Remove(parent.TaskScheduledId);
            }

            Deliver(commit, hub, new(parent.OrchestrationInstance.InstanceId, AlreadyExists(parent.TaskScheduledId, message.Target), parent.OrchestrationInstance.ExecutionId));
        }
    }

    private void NotifyParent(Commit commit, LiveInstance instance, CompleteOrchestrationAction result)
    {
        if (instance.Parent is not { } parent)
        {
            return;
        }

        var message = NewEvent(item =>
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
        Deliver(commit, instance.Hub, new(parent.OrchestrationInstance.InstanceId, message, parent.OrchestrationInstance.ExecutionId));
    }

    /// <summary>An execution that ends gives back the locks that it holds or waits for.</summary>
    private void ReleaseLocks(Commit commit, LiveInstance instance)
    {
        foreach (var (section, entities) in instance.Locks)
        {
            foreach (var entity in entities)
            {
                if (EntityName.TryNormalize(entity, out var id))
                {
                    Deliver(commit, instance.Hub, new(id, NewEvent(item => item.EntityUnlockSent = new() { CriticalSectionId = section, ParentInstanceId = instance.Id })));
                }
            }
        }
    }

    private HistoryEvent AlreadyExists(int taskId, string id) => NewEvent(item => item.SubOrchestrationInstanceFailed = new()
    {
        TaskScheduledId = taskId,
        FailureDetails = new()
        {
            ErrorType = "OrchestrationAlreadyExists",
            ErrorMessage = $"An orchestration instance '{id}' exists already and has not ended.",
            IsNonRetriable = true,
        },
    });

    private HistoryEvent NewEvent(Action<HistoryEvent> fill)
    {
        var item = new HistoryEvent { EventId = -1, Timestamp = Timestamp.FromDateTime(Now) };
        fill(item);
        return item;
    }
}
