using AiPlatform.DurableTask.Entities;

namespace AiPlatform.DurableTask.Client.Entities;

/// <summary>Signals and reads entities.</summary>
/// <param name="name">The name of the client that it belongs to.</param>
public abstract class DurableEntityClient(string name)
{
    /// <summary>The name of the client that it belongs to.</summary>
    public string Name { get; } = name;

    /// <summary>Sends an operation without input.</summary>
    public virtual Task SignalEntityAsync(EntityInstanceId id, string operationName, SignalEntityOptions options, CancellationToken cancellation = default)
        => SignalEntityAsync(id, operationName, null, options, cancellation);

    /// <summary>Sends an operation without input.</summary>
    public virtual Task SignalEntityAsync(EntityInstanceId id, string operationName, CancellationToken cancellation)
        => SignalEntityAsync(id, operationName, null, null, cancellation);

    /// <summary>Sends an operation; it is durable when the task ends, and carried out later. The entity need not exist.</summary>
    public abstract Task SignalEntityAsync(
        EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null, CancellationToken cancellation = default);

    /// <summary>The entity with its state; null when it does not exist.</summary>
    public virtual Task<EntityMetadata?> GetEntityAsync(EntityInstanceId id, CancellationToken cancellation) => GetEntityAsync(id, true, cancellation);

    /// <summary>The entity; null when it does not exist.</summary>
    public abstract Task<EntityMetadata?> GetEntityAsync(EntityInstanceId id, bool includeState = true, CancellationToken cancellation = default);

    /// <summary>The entity with its state; null when it does not exist.</summary>
    public virtual Task<EntityMetadata<T>?> GetEntityAsync<T>(EntityInstanceId id, CancellationToken cancellation) => GetEntityAsync<T>(id, true, cancellation);

    /// <summary>The entity; null when it does not exist.</summary>
    public abstract Task<EntityMetadata<T>?> GetEntityAsync<T>(EntityInstanceId id, bool includeState = true, CancellationToken cancellation = default);

    /// <summary>Lists entities.</summary>
    public abstract AsyncPageable<EntityMetadata> GetAllEntitiesAsync(EntityQuery? filter = null);

    /// <summary>Lists entities.</summary>
    public abstract AsyncPageable<EntityMetadata<T>> GetAllEntitiesAsync<T>(EntityQuery? filter = null);

    /// <summary>Removes what is left of deleted entities and releases locks that nobody holds.</summary>
    /// <param name="request">What to clean; everything when null.</param>
    /// <param name="continueUntilComplete">Whether to go on until all is done; otherwise the answer says where to go on.</param>
    /// <param name="cancellation">Gives up.</param>
    public abstract Task<CleanEntityStorageResult> CleanEntityStorageAsync(
        CleanEntityStorageRequest? request = null, bool continueUntilComplete = true, CancellationToken cancellation = default);
}
