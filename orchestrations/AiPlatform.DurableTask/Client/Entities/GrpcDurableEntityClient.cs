using AiPlatform.DurableTask.Entities;
using Google.Protobuf.WellKnownTypes;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Client.Entities;

/// <summary>The entity client over the Durable Task gRPC protocol.</summary>
internal sealed class GrpcDurableEntityClient(string name, P.TaskHubSidecarService.TaskHubSidecarServiceClient stub, DataConverter converter) : DurableEntityClient(name)
{
    public override Task SignalEntityAsync(
        EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? signal = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(operationName);
        var request = new P.SignalEntityRequest
        {
            InstanceId = id.ToString(),
            Name = operationName,
            Input = converter.Serialize(input),
            RequestId = Guid.NewGuid().ToString(),
            ScheduledTime = signal?.SignalTime?.ToTimestamp(),
            ParentTraceContext = DurableTaskTracing.Current(),
            RequestTime = DateTimeOffset.UtcNow.ToTimestamp(),
        };
        return Rpc.CallAsync(stub.SignalEntityAsync, request, cancellation);
    }

    public override async Task<EntityMetadata?> GetEntityAsync(EntityInstanceId id, bool includeState = true, CancellationToken cancellation = default)
        => await FindAsync(id, includeState, cancellation) is { } entity ? Untyped(entity) : null;

    public override async Task<EntityMetadata<T>?> GetEntityAsync<T>(EntityInstanceId id, bool includeState = true, CancellationToken cancellation = default)
        => await FindAsync(id, includeState, cancellation) is { } entity ? Typed<T>(entity) : null;

    public override AsyncPageable<EntityMetadata> GetAllEntitiesAsync(EntityQuery? filter = null) => Pages(filter, Untyped);

    public override AsyncPageable<EntityMetadata<T>> GetAllEntitiesAsync<T>(EntityQuery? filter = null) => Pages(filter, Typed<T>);

    public override async Task<CleanEntityStorageResult> CleanEntityStorageAsync(
        CleanEntityStorageRequest? request = null, bool continueUntilComplete = true, CancellationToken cancellation = default)
    {
        var wanted = request ?? CleanEntityStorageRequest.Default;
        var total = new CleanEntityStorageResult { ContinuationToken = wanted.ContinuationToken };
        do
        {
            var response = await Rpc.CallAsync(
                stub.CleanEntityStorageAsync,
                new P.CleanEntityStorageRequest
                {
                    RemoveEmptyEntities = wanted.RemoveEmptyEntities,
                    ReleaseOrphanedLocks = wanted.ReleaseOrphanedLocks,
                    ContinuationToken = total.ContinuationToken,
                },
                cancellation);
            total = new()
            {
                EmptyEntitiesRemoved = total.EmptyEntitiesRemoved + response.EmptyEntitiesRemoved,
                OrphanedLocksReleased = total.OrphanedLocksReleased + response.OrphanedLocksReleased,
                ContinuationToken = string.IsNullOrEmpty(response.ContinuationToken) ? null : response.ContinuationToken,
            };
        }
        while (continueUntilComplete && total.ContinuationToken is not null);

        return total;
    }

    private async Task<P.EntityMetadata?> FindAsync(EntityInstanceId id, bool includeState, CancellationToken cancellation)
    {
        var response = await Rpc.CallAsync(stub.GetEntityAsync, new P.GetEntityRequest { InstanceId = id.ToString(), IncludeState = includeState }, cancellation);
        return response.Exists ? response.Entity : null;
    }

    private EntityMetadata Untyped(P.EntityMetadata entity)
        => new(EntityInstanceId.FromString(entity.InstanceId), entity.SerializedState is { } state ? new SerializedData(state, converter) : null)
        {
            LastModifiedTime = entity.LastModifiedTime?.ToDateTimeOffset() ?? default,
            BacklogQueueSize = entity.BacklogQueueSize,
            LockedBy = entity.LockedBy,
        };

    private EntityMetadata<T> Typed<T>(P.EntityMetadata entity)
    {
        var id = EntityInstanceId.FromString(entity.InstanceId);

        // No state is not the same as a state of zero.
        var (modified, backlog, lockedBy) = (entity.LastModifiedTime?.ToDateTimeOffset() ?? default, entity.BacklogQueueSize, entity.LockedBy);
        return entity.SerializedState is { } state
            ? new(id, converter.Deserialize<T>(state)) { LastModifiedTime = modified, BacklogQueueSize = backlog, LockedBy = lockedBy }
            : new(id) { LastModifiedTime = modified, BacklogQueueSize = backlog, LockedBy = lockedBy };
    }

    private RpcPages<T> Pages<T>(EntityQuery? filter, Func<P.EntityMetadata, T> map)
        where T : notnull
    {
        var query = filter ?? new EntityQuery();
        return new(query.ContinuationToken, query.PageSize, async (token, size, cancellation) =>
        {
            var request = new P.QueryEntitiesRequest
            {
                Query = new()
                {
                    InstanceIdStartsWith = query.InstanceIdStartsWith,
                    LastModifiedFrom = query.LastModifiedFrom?.ToTimestamp(),
                    LastModifiedTo = query.LastModifiedTo?.ToTimestamp(),
                    IncludeState = query.IncludeState,
                    IncludeTransient = query.IncludeTransient,
                    PageSize = size,
                    ContinuationToken = token,
                },
            };
            var response = await Rpc.CallAsync(stub.QueryEntitiesAsync, request, cancellation);
            return new Page<T>([.. response.Entities.Select(map)], string.IsNullOrEmpty(response.ContinuationToken) ? null : response.ContinuationToken);
        });
    }
}
