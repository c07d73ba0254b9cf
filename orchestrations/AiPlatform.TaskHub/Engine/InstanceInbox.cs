using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using EventCase = AiPlatform.TaskHub.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <summary>What messages cause at instances.</summary>
internal sealed class InstanceInbox(EngineContext context, Instances instances, Endings endings, MessageRouter router) : IMessageReceiver
{
    /// <inheritdoc />
    public void Receive(Commit commit, HubState hub, Envelope message)
    {
        switch (message.Event.EventTypeCase)
        {
            case EventCase.ExecutionStarted:
                StartChild(commit, hub, message);
                break;
            case EventCase.ExecutionTerminated:
                if (hub.Instances.TryGetValue(message.Target, out var ending))
                {
                    endings.Terminate(commit, ending, message.Event.ExecutionTerminated.Input, message.Event.ExecutionTerminated.Recurse);
                }

                break;
            default:
                if (hub.Instances.TryGetValue(message.Target, out var target) && !target.Ended
                    && (string.IsNullOrEmpty(message.ExecutionId) || message.ExecutionId == target.State.ExecutionId))
                {
                    instances.Append(commit, target, message.Event);
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
            instances.Create(commit, hub, started, message.SenderKey, Instances.FinishedStatuses);
        }
        else if (started.ParentInstance is { } parent)
        {
            if (hub.Instances.TryGetValue(parent.OrchestrationInstance.InstanceId, out var caller))
            {
                // Whose id that is lives on when the caller is terminated with its children.
                caller.SubOrchestrations.Remove(parent.TaskScheduledId);
            }

            router.Deliver(commit, hub, new(parent.OrchestrationInstance.InstanceId, AlreadyExists(parent.TaskScheduledId, message.Target), parent.OrchestrationInstance.ExecutionId));
        }
    }

    private HistoryEvent AlreadyExists(int taskId, string id) => context.NewEvent(item => item.SubOrchestrationInstanceFailed = new()
    {
        TaskScheduledId = taskId,
        FailureDetails = new()
        {
            ErrorType = "OrchestrationAlreadyExists",
            ErrorMessage = $"An orchestration instance '{id}' exists already and has not ended.",
            IsNonRetriable = true,
        },
    });
}
