namespace AiPlatform.DurableTask;

/// <summary>An activity as the worker sees it. Derive from <see cref="TaskActivity{TInput, TOutput}"/> instead.</summary>
public interface ITaskActivity
{
    /// <summary>The type that the input is deserialised to.</summary>
    Type InputType { get; }

    /// <summary>The type of the result.</summary>
    Type OutputType { get; }

    /// <summary>Does the work.</summary>
    Task<object?> RunAsync(TaskActivityContext context, object? input);
}

/// <summary>
/// One unit of work of an orchestration: any code, any I/O. It is delivered <b>at least once</b>: make its effect idempotent.
/// An instance is made for every delivery, with its constructor's services injected.
/// </summary>
public abstract class TaskActivity<TInput, TOutput> : ITaskActivity
{
    Type ITaskActivity.InputType => typeof(TInput);

    Type ITaskActivity.OutputType => typeof(TOutput);

    async Task<object?> ITaskActivity.RunAsync(TaskActivityContext context, object? input)
        => await RunAsync(context, (TInput)input!);

    /// <summary>Does the work. An exception becomes a <see cref="TaskFailedException"/> in the orchestrator.</summary>
    public abstract Task<TOutput> RunAsync(TaskActivityContext context, TInput input);
}

/// <summary>What an activity knows of its call.</summary>
public abstract class TaskActivityContext
{
    /// <summary>The activity's name.</summary>
    public abstract TaskName Name { get; }

    /// <summary>The id of the orchestration that called it.</summary>
    public abstract string InstanceId { get; }

    /// <summary>
    /// Identifies the call within its orchestration: the same for every delivery of the same call, so that it serves, with
    /// <see cref="InstanceId"/>, as an idempotency key.
    /// </summary>
    public abstract int TaskId { get; }

    /// <summary>Is cancelled when the worker shuts down; the activity is then delivered again, elsewhere or later.</summary>
    public abstract CancellationToken CancellationToken { get; }
}
