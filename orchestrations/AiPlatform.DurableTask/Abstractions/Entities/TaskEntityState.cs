namespace AiPlatform.DurableTask.Entities;

/// <summary>The durable state of an entity during an operation.</summary>
public abstract class TaskEntityState
{
    /// <summary>False for an entity that does not exist (yet, or any more).</summary>
    public abstract bool HasState { get; }

    /// <summary>The state, or <paramref name="defaultValue"/> when there is none.</summary>
    public virtual T? GetState<T>(T? defaultValue = default) => GetState(typeof(T)) is T state ? state : defaultValue;

    /// <summary>The state, or null when there is none.</summary>
    public abstract object? GetState(Type type);

    /// <summary>Replaces the state; null deletes it.</summary>
    public abstract void SetState(object? state);
}
