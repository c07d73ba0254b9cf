using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>What clients ask of entities.</summary>
internal sealed class EntityRequests(EngineContext context, OwnedPartitions partitions, MessageRouter router)
{
    /// <summary>Sends an operation to an entity without waiting for it; a repetition with the same request id is the same signal.</summary>
    public Task SignalAsync(HubState hub, string entityId, SignalEntityRequest request)
    {
        lock (context.Gate)
        {
            partitions.RequireOwned(entityId);
            hub.RequireThere();
            var key = $"s:{hub.Id}:{entityId}:{request.RequestId}";
            if (context.Recent.Find(key) is { } earlier)
            {
                return earlier;
            }

            var commit = new Commit();
            router.Deliver(commit, hub, new(entityId, context.NewEvent(item => item.EntityOperationSignaled = new()
            {
                RequestId = string.IsNullOrEmpty(request.RequestId) ? Guid.NewGuid().ToString() : request.RequestId,
                Operation = request.Name,
                Input = request.Input,
                ScheduledTime = request.ScheduledTime,
            })));
            var task = context.Write(commit);
            if (!string.IsNullOrEmpty(request.RequestId))
            {
                context.Recent.Add(key, task);
            }

            return task;
        }
    }

    /// <summary>Takes a lock from an orchestration that is no more, if it still has it.</summary>
    public Task ReleaseLockAsync(HubState hub, string entityId, string section, string parentId)
    {
        lock (context.Gate)
        {
            hub.RequireThere();
            var commit = new Commit();
            router.Deliver(commit, hub, new(entityId, context.NewEvent(item => item.EntityUnlockSent = new() { CriticalSectionId = section, ParentInstanceId = parentId })));
            return context.Write(commit);
        }
    }

    /// <summary>Removes entities that have no state, no lock and no messages.</summary>
    public Task RemoveEmptyAsync(HubState hub, IReadOnlyCollection<string> entityIds)
    {
        lock (context.Gate)
        {
            return context.Write(new Commit { EmptyEntities = entityIds, EmptyEntitiesHub = hub.Id });
        }
    }
}
