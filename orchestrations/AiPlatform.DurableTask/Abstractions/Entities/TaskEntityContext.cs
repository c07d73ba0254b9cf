namespace AiPlatform.DurableTask.Entities;

/// <summary>What an operation may do beside changing its state. Effects of an operation that throws are dropped.</summary>
public abstract class TaskEntityContext
{
    /// <summary>The entity's address.</summary>
    public abstract EntityInstanceId Id { get; }

    /// <summary>Sends an operation without input to an entity, and does not wait.</summary>
    public virtual void SignalEntity(EntityInstanceId id, string operationName, SignalEntityOptions options) => SignalEntity(id, operationName, null, options);

    /// <summary>Sends an operation to an entity, and does not wait.</summary>
    public abstract void SignalEntity(EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null);

    /// <summary>Starts an orchestration without input.</summary>
    /// <returns>The instance id.</returns>
    public virtual string ScheduleNewOrchestration(TaskName name, StartOrchestrationOptions options) => ScheduleNewOrchestration(name, null, options);

    /// <summary>Starts an orchestration.</summary>
    /// <returns>The instance id.</returns>
    public abstract string ScheduleNewOrchestration(TaskName name, object? input = null, StartOrchestrationOptions? options = null);
}
