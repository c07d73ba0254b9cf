using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Starts of instances by clients.</summary>
internal sealed class InstanceStarts(EngineContext context, OwnedPartitions partitions, Instances instances, Endings endings)
{
    /// <summary>Starts an instance; the task ends when it is durable.</summary>
    /// <exception cref="InstanceExistsException">The id is taken and may not be replaced.</exception>
    public async Task StartAsync(HubState hub, CreateInstanceRequest request)
    {
        // Without a policy an id is free again when its instance has ended, as on Microsoft's backends.
        var replaceable = request.OrchestrationIdReusePolicy?.ReplaceableStatus.ToHashSet() ?? [.. Instances.FinishedStatuses];
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

    /// <summary>Waits until a start is decided, one way or the other.</summary>
    public static async Task SettledAsync(Task task)
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

    private (bool Done, Task Wait) TryStart(HubState hub, CreateInstanceRequest request, HashSet<OrchestrationStatus> replaceable)
    {
        lock (context.Gate)
        {
            partitions.RequireOwned(request.InstanceId);
            hub.RequireThere();
            if (!hub.Instances.TryGetValue(request.InstanceId, out var live))
            {
                var commit = new Commit();
                var instance = instances.Create(commit, hub, Started(request), null, [.. replaceable.Intersect(Instances.FinishedStatuses)]);
                instance.Creation = DecidedAsync(context.Write(commit, instance), commit, request.InstanceId);
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
            endings.Terminate(end, live, null, recurse: false);
            replaceable.Add(OrchestrationStatus.Terminated);
            return (false, context.Write(end, live));
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
}
