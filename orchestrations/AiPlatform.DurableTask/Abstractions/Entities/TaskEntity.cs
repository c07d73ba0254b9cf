namespace AiPlatform.DurableTask.Entities;

/// <summary>An entity as the worker sees it. Derive from <see cref="TaskEntity{TState}"/> unless operations are dispatched by hand.</summary>
public interface ITaskEntity
{
    /// <summary>Runs one operation. Operations of one entity never run at the same time.</summary>
    /// <returns>The answer for a caller; a signal drops it.</returns>
    ValueTask<object?> RunAsync(TaskEntityOperation operation);
}

/// <summary>
/// A small piece of durable state with operations: its public methods, by name, ignoring case. A method may take, in any order,
/// a <see cref="TaskEntityContext"/>, a <see cref="TaskEntityOperation"/> and one input, and may return a value, a task or nothing.
/// An operation that throws leaves state and effects as they were. The operation <c>delete</c> exists on its own.
/// </summary>
/// <typeparam name="TState">The state; it is kept as the data converter writes it.</typeparam>
public abstract class TaskEntity<TState> : ITaskEntity
{
    /// <summary>Whether operations that the entity has no method for are looked for on the state.</summary>
    protected virtual bool AllowStateDispatch => false;

    /// <summary>The state: read before and written after each operation. Null deletes the entity.</summary>
    protected TState State { get; set; } = default!;

    /// <summary>What the operation may do beside changing the state.</summary>
    protected TaskEntityContext Context { get; private set; } = null!;

    /// <inheritdoc />
    /// <exception cref="NotSupportedException">There is no such operation.</exception>
    public async ValueTask<object?> RunAsync(TaskEntityOperation operation)
    {
        Context = operation.Context;
        var found = EntityMethod.Find(this, operation.Name) is not null;
        if (!found && !AllowStateDispatch && IsDelete(operation))
        {
            // Without reading the state: what can no longer be read can still be deleted.
            operation.State.SetState(null);
            return null;
        }

        State = operation.State.GetState(typeof(TState)) is TState state ? state : InitializeState(operation);
        object? target = found ? this : AllowStateDispatch ? State : null;
        if (target is not null && EntityMethod.Find(target, operation.Name) is { } method)
        {
            var result = await method.InvokeAsync(operation);
            operation.State.SetState(State);
            return result;
        }

        if (!IsDelete(operation))
        {
            throw new NotSupportedException($"The entity has no operation '{operation}'.");
        }

        operation.State.SetState(null);
        return null;
    }

    /// <summary>The state of an entity that has none.</summary>
    protected virtual TState InitializeState(TaskEntityOperation entityOperation)
        => (TState)Activator.CreateInstance(Nullable.GetUnderlyingType(typeof(TState)) ?? typeof(TState))!;

    private static bool IsDelete(TaskEntityOperation operation) => string.Equals(operation.Name, "delete", StringComparison.OrdinalIgnoreCase);
}
