using AiPlatform.DurableTask.Entities;

namespace AiPlatform.DurableTask.Client.Entities;

/// <summary>A value as text, with what reads it.</summary>
/// <param name="Value">The text.</param>
/// <param name="Converter">Reads it.</param>
public sealed record SerializedData(string Value, DataConverter Converter)
{
    /// <summary>The value.</summary>
    public T? ReadAs<T>() => Converter.Deserialize<T>(Value);
}

/// <summary>What is known of an entity.</summary>
/// <typeparam name="TState">The type of its state.</typeparam>
public class EntityMetadata<TState>
{
    private readonly TState? _state;

    /// <summary>Without a state: it was not asked for, or there is none.</summary>
    /// <param name="id">The entity's address.</param>
    public EntityMetadata(EntityInstanceId id) => Id = id;

    /// <param name="id">The entity's address.</param>
    /// <param name="state">The state; null when it was not asked for, or there is none.</param>
    public EntityMetadata(EntityInstanceId id, TState? state)
        : this(id)
    {
        _state = state;
        IncludesState = state is not null;
    }

    /// <summary>The entity's address.</summary>
    public EntityInstanceId Id { get; }

    /// <summary>When it last changed (UTC).</summary>
    public DateTimeOffset LastModifiedTime { get; init; }

    /// <summary>Operations that wait.</summary>
    public int BacklogQueueSize { get; init; }

    /// <summary>The orchestration that has locked it; null when none has.</summary>
    public string? LockedBy { get; init; }

    /// <summary>Whether <see cref="State"/> may be read.</summary>
    public bool IncludesState { get; }

    /// <summary>The state.</summary>
    /// <exception cref="InvalidOperationException">It was not asked for, or there is none.</exception>
    public TState State => IncludesState ? _state! : throw new InvalidOperationException($"The state of '{Id}' was not asked for, or it has none.");
}

/// <summary>What is known of an entity, its state as text.</summary>
public sealed class EntityMetadata(EntityInstanceId id, SerializedData? state = null) : EntityMetadata<SerializedData>(id, state);
