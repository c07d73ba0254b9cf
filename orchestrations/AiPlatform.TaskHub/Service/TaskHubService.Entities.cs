using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace AiPlatform.TaskHub.Service;

/// <content>Entities.</content>
internal sealed partial class TaskHubService
{
    private const int CleanPage = 200;

    public override Task<SignalEntityResponse> SignalEntity(SignalEntityRequest request, ServerCallContext context)
    {
        Require(request.Name, "name");
        RequireTime(request.ScheduledTime);
        var id = RequireEntityId(request.InstanceId);
        return RouteAsync(id, context, (owner, call) => owner.SignalEntityAsync(request, call), async (engine, hub) =>
        {
            request.Input = await payloads.TakeAsync(Partition.Of(id), request.Input, context.CancellationToken);
            await engine.Entities.SignalAsync(hub, id, request).WaitAsync(context.CancellationToken);
            return new SignalEntityResponse();
        });
    }

    public override async Task<GetEntityResponse> GetEntity(GetEntityRequest request, ServerCallContext context)
    {
        var id = RequireEntityId(request.InstanceId);
        var (engine, hub) = await HubAsync(context);
        return await engine.Reader.FindEntityAsync(hub.Id, id, request.IncludeState, context.CancellationToken) is { Exists: true } stored
            ? new() { Exists = true, Entity = await MetadataAsync(stored, context) }
            : new();
    }

    public override async Task<QueryEntitiesResponse> QueryEntities(QueryEntitiesRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        var (page, next) = await engine.Reader.QueryEntitiesAsync(hub.Id, request.Query ?? new EntityQuery(), context.CancellationToken);
        var response = new QueryEntitiesResponse { ContinuationToken = next };
        var bytes = 0L;
        foreach (var stored in page)
        {
            if (bytes > MaxPageBytes)
            {
                response.ContinuationToken = response.Entities[^1].InstanceId;
                break;
            }

            response.Entities.Add(await MetadataAsync(stored, context));
            bytes += response.Entities[^1].SerializedState?.Length ?? 0;
        }

        return response;
    }

    public override async Task<CleanEntityStorageResponse> CleanEntityStorage(CleanEntityStorageRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        var page = await engine.Reader.CleanableEntitiesAsync(hub.Id, request.ContinuationToken ?? string.Empty, CleanPage, context.CancellationToken);
        var response = new CleanEntityStorageResponse { ContinuationToken = page.Count == CleanPage ? page[^1].Entity.Id : null };
        if (request.ReleaseOrphanedLocks)
        {
            foreach (var (entity, _) in page.Where(row => row is { Entity.LockedBy: not null, HolderLives: false }))
            {
                await engine.Entities.ReleaseLockAsync(hub, entity.Id, entity.Section!, entity.LockedBy!).WaitAsync(context.CancellationToken);
                response.OrphanedLocksReleased++;
            }
        }

        var empty = page.Where(row => row.Entity is { Exists: false, LockedBy: null, Backlog: 0 }).Select(row => row.Entity.Id).ToArray();
        if (request.RemoveEmptyEntities && empty.Length > 0)
        {
            await engine.Entities.RemoveEmptyAsync(hub, empty).WaitAsync(context.CancellationToken);
            response.EmptyEntitiesRemoved = empty.Length;
        }

        return response;
    }

    public override Task<CompleteTaskResponse> CompleteEntityTask(EntityBatchResult request, ServerCallContext context)
        => RouteTokenAsync(request.CompletionToken, context, (owner, call) => owner.CompleteEntityTaskAsync(request, call), async engine =>
        {
            await payloads.TakeAsync(PartitionOf(request.CompletionToken), request, context.CancellationToken);
            await engine.Batches.CompleteAsync(request).WaitAsync(context.CancellationToken);
            return Completed;
        });

    public override Task<AbandonEntityTaskResponse> AbandonTaskEntityWorkItem(AbandonEntityTaskRequest request, ServerCallContext context)
        => RouteTokenAsync(request.CompletionToken, context, (owner, call) => owner.AbandonTaskEntityWorkItemAsync(request, call), engine =>
        {
            engine.Batches.Abandon(request.CompletionToken);
            return Task.FromResult(new AbandonEntityTaskResponse());
        });

    private async Task<EntityMetadata> MetadataAsync(StoredEntity entity, ServerCallContext context) => new()
    {
        InstanceId = entity.Id,
        LastModifiedTime = Timestamp.FromDateTime(entity.ModifiedAt),
        BacklogQueueSize = entity.Backlog,
        LockedBy = entity.LockedBy,
        SerializedState = await payloads.GiveAsync(entity.State, context.CancellationToken),
    };

    private static string RequireEntityId(string id)
    {
        RequireId(id);
        return EntityName.TryNormalize(id, out var normal) ? normal : throw new ArgumentException("An entity id has the form '@name@key'.", nameof(id));
    }
}
