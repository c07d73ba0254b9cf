using System.Reflection;
using AiPlatform.DurableTask.Entities;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.DurableTask;

/// <summary>The orchestrators, activities and entities of a worker, by name. A name can be added once of each kind.</summary>
public sealed partial class DurableTaskRegistry
{
    internal Dictionary<TaskName, Func<IServiceProvider, ITaskOrchestrator>> Orchestrators { get; } = [];

    internal Dictionary<TaskName, Func<IServiceProvider, ITaskActivity>> Activities { get; } = [];

    internal Dictionary<TaskName, Func<IServiceProvider, ITaskEntity>> Entities { get; } = [];

    /// <summary>Adds an orchestrator under its class name, or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddOrchestrator<TOrchestrator>()
        where TOrchestrator : class, ITaskOrchestrator => AddOrchestrator<TOrchestrator>(NameOf(typeof(TOrchestrator)));

    /// <summary>Adds an orchestrator under a name.</summary>
    public DurableTaskRegistry AddOrchestrator<TOrchestrator>(TaskName name)
        where TOrchestrator : class, ITaskOrchestrator
        => AddOrchestrator(name, static services => ActivatorUtilities.GetServiceOrCreateInstance<TOrchestrator>(services));

    /// <summary>Adds an orchestrator type that is known at run time only, under its class name or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddOrchestrator(Type type) => AddOrchestrator(NameOf(type), Factory<ITaskOrchestrator>(type));

    /// <summary>Adds an orchestrator made by a factory.</summary>
    public DurableTaskRegistry AddOrchestrator(TaskName name, Func<IServiceProvider, ITaskOrchestrator> factory)
    {
        Add(Orchestrators, name, factory);
        return this;
    }

    /// <summary>Adds an orchestrator function.</summary>
    public DurableTaskRegistry AddOrchestratorFunc<TInput, TOutput>(TaskName name, Func<TaskOrchestrationContext, TInput, Task<TOutput>> orchestrator)
        => AddOrchestrator(name, _ => new FunctionOrchestrator<TInput, TOutput>(orchestrator));

    /// <summary>Adds an orchestrator function without input.</summary>
    public DurableTaskRegistry AddOrchestratorFunc<TOutput>(TaskName name, Func<TaskOrchestrationContext, Task<TOutput>> orchestrator)
        => AddOrchestratorFunc<object?, TOutput>(name, (context, _) => orchestrator(context));

    /// <summary>Adds an activity under its class name, or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddActivity<TActivity>()
        where TActivity : class, ITaskActivity => AddActivity<TActivity>(NameOf(typeof(TActivity)));

    /// <summary>Adds an activity under a name.</summary>
    public DurableTaskRegistry AddActivity<TActivity>(TaskName name)
        where TActivity : class, ITaskActivity
        => AddActivity(name, static services => ActivatorUtilities.GetServiceOrCreateInstance<TActivity>(services));

    /// <summary>Adds an activity type that is known at run time only, under its class name or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddActivity(Type type) => AddActivity(NameOf(type), Factory<ITaskActivity>(type));

    /// <summary>Adds an activity made by a factory.</summary>
    public DurableTaskRegistry AddActivity(TaskName name, Func<IServiceProvider, ITaskActivity> factory)
    {
        Add(Activities, name, factory);
        return this;
    }

    /// <summary>Adds an activity function.</summary>
    public DurableTaskRegistry AddActivityFunc<TInput, TOutput>(TaskName name, Func<TaskActivityContext, TInput, Task<TOutput>> activity)
        => AddActivity(name, _ => new FunctionActivity<TInput, TOutput>(activity));

    /// <summary>Adds a synchronous activity function.</summary>
    public DurableTaskRegistry AddActivityFunc<TInput, TOutput>(TaskName name, Func<TaskActivityContext, TInput, TOutput> activity)
        => AddActivity(name, _ => new FunctionActivity<TInput, TOutput>((context, input) => Task.FromResult(activity(context, input))));

    /// <summary>Adds an entity under its class name, or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddEntity<TEntity>()
        where TEntity : class, ITaskEntity => AddEntity<TEntity>(NameOf(typeof(TEntity)));

    /// <summary>Adds an entity under a name.</summary>
    public DurableTaskRegistry AddEntity<TEntity>(TaskName name)
        where TEntity : class, ITaskEntity
        => AddEntity(name, static services => ActivatorUtilities.GetServiceOrCreateInstance<TEntity>(services));

    /// <summary>Adds an entity type that is known at run time only, under its class name or that of its <see cref="DurableTaskAttribute"/>.</summary>
    public DurableTaskRegistry AddEntity(Type type) => AddEntity(NameOf(type), Factory<ITaskEntity>(type));

    /// <summary>Adds an entity made by a factory; one is made for every batch of operations.</summary>
    public DurableTaskRegistry AddEntity(TaskName name, Func<IServiceProvider, ITaskEntity> factory)
    {
        Add(Entities, name, factory);
        return this;
    }

    private static Func<IServiceProvider, T> Factory<T>(Type type)
        => type is { IsAbstract: false, ContainsGenericParameters: false } && type.IsAssignableTo(typeof(T))
            ? services => (T)ActivatorUtilities.GetServiceOrCreateInstance(services, type)
            : throw new ArgumentException($"{type} is not a concrete {typeof(T).Name}.", nameof(type));

    private static TaskName NameOf(Type type) => type.GetCustomAttribute<DurableTaskAttribute>() is { Name.Name: not null } attribute ? attribute.Name : new TaskName(type.Name);

    private static void Add<T>(Dictionary<TaskName, T> tasks, TaskName name, T factory)
    {
        ArgumentException.ThrowIfNullOrEmpty(name.Name, nameof(name));
        if (!tasks.TryAdd(name, factory))
        {
            throw new ArgumentException($"A task named '{name}' is already added.", nameof(name));
        }
    }

    private sealed class FunctionOrchestrator<TInput, TOutput>(Func<TaskOrchestrationContext, TInput, Task<TOutput>> function) : TaskOrchestrator<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(TaskOrchestrationContext context, TInput input) => function(context, input);
    }

    private sealed class FunctionActivity<TInput, TOutput>(Func<TaskActivityContext, TInput, Task<TOutput>> function) : TaskActivity<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(TaskActivityContext context, TInput input) => function(context, input);
    }
}
