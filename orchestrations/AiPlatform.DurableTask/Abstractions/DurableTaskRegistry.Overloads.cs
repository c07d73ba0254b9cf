using AiPlatform.DurableTask.Entities;

namespace AiPlatform.DurableTask;

/// <content>The other forms in which tasks can be added.</content>
public sealed partial class DurableTaskRegistry
{
    /// <summary>Adds an orchestrator type that is known at run time only, under a name.</summary>
    public DurableTaskRegistry AddOrchestrator(TaskName name, Type type) => AddOrchestrator(name, Factory<ITaskOrchestrator>(type));

    /// <summary>Adds one orchestrator for all instances, under a name; it must keep nothing between calls.</summary>
    public DurableTaskRegistry AddOrchestrator(TaskName name, ITaskOrchestrator orchestrator)
    {
        ArgumentNullException.ThrowIfNull(orchestrator);
        return AddOrchestrator(name, _ => orchestrator);
    }

    /// <summary>Adds one orchestrator for all instances, under its class name or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddOrchestrator(ITaskOrchestrator orchestrator)
    {
        ArgumentNullException.ThrowIfNull(orchestrator);
        return AddOrchestrator(NameOf(orchestrator.GetType()), orchestrator);
    }

    /// <summary>Adds an orchestrator function that awaits nothing.</summary>
    public DurableTaskRegistry AddOrchestratorFunc<TInput, TOutput>(TaskName name, Func<TaskOrchestrationContext, TInput, TOutput> orchestrator)
        => AddOrchestratorFunc<TInput, TOutput>(name, (context, input) => Task.FromResult(orchestrator(context, input)));

    /// <summary>Adds an orchestrator function without result.</summary>
    public DurableTaskRegistry AddOrchestratorFunc<TInput>(TaskName name, Func<TaskOrchestrationContext, TInput, Task> orchestrator)
        => AddOrchestratorFunc<TInput, object?>(name, async Task<object?> (TaskOrchestrationContext context, TInput input) =>
        {
            await orchestrator(context, input);
            return null;
        });

    /// <summary>Adds an orchestrator function without input and result.</summary>
    public DurableTaskRegistry AddOrchestratorFunc(TaskName name, Func<TaskOrchestrationContext, Task> orchestrator)
        => AddOrchestratorFunc<object?>(name, (TaskOrchestrationContext context, object? _) => orchestrator(context));

    /// <summary>Adds an activity type that is known at run time only, under a name.</summary>
    public DurableTaskRegistry AddActivity(TaskName name, Type type) => AddActivity(name, Factory<ITaskActivity>(type));

    /// <summary>Adds one activity for all calls, under a name; calls come at the same time.</summary>
    public DurableTaskRegistry AddActivity(TaskName name, ITaskActivity activity)
    {
        ArgumentNullException.ThrowIfNull(activity);
        return AddActivity(name, _ => activity);
    }

    /// <summary>Adds one activity for all calls, under its class name or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddActivity(ITaskActivity activity)
    {
        ArgumentNullException.ThrowIfNull(activity);
        return AddActivity(NameOf(activity.GetType()), activity);
    }

    /// <summary>Adds an activity function without result.</summary>
    public DurableTaskRegistry AddActivityFunc<TInput>(TaskName name, Func<TaskActivityContext, TInput, Task> activity)
        => AddActivityFunc<TInput, object?>(name, async Task<object?> (TaskActivityContext context, TInput input) =>
        {
            await activity(context, input);
            return null;
        });

    /// <summary>Adds an activity function without input.</summary>
    public DurableTaskRegistry AddActivityFunc<TOutput>(TaskName name, Func<TaskActivityContext, Task<TOutput>> activity)
        => AddActivityFunc<object?, TOutput>(name, Task<TOutput> (TaskActivityContext context, object? _) => activity(context));

    /// <summary>Adds an activity function without input and result.</summary>
    public DurableTaskRegistry AddActivityFunc(TaskName name, Func<TaskActivityContext, Task> activity)
        => AddActivityFunc<object?>(name, (TaskActivityContext context, object? _) => activity(context));

    /// <summary>Adds an entity type that is known at run time only, under a name.</summary>
    public DurableTaskRegistry AddEntity(TaskName name, Type type) => AddEntity(name, Factory<ITaskEntity>(type));

    /// <summary>Adds one object for all entities of a name; it must keep nothing between operations.</summary>
    public DurableTaskRegistry AddEntity(TaskName name, ITaskEntity entity)
    {
        ArgumentNullException.ThrowIfNull(entity);
        return AddEntity(name, _ => entity);
    }

    /// <summary>Adds one object for all entities of its class name, or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddEntity(ITaskEntity entity)
    {
        ArgumentNullException.ThrowIfNull(entity);
        return AddEntity(NameOf(entity.GetType()), entity);
    }
}
