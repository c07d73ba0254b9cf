namespace AiPlatform.DurableTask;

/// <summary>An orchestrator as the worker sees it. Derive from <see cref="TaskOrchestrator{TInput, TOutput}"/> instead.</summary>
public interface ITaskOrchestrator
{
    /// <summary>The type that the input is deserialised to.</summary>
    Type InputType { get; }

    /// <summary>The type of the result.</summary>
    Type OutputType { get; }

    /// <summary>Runs, or replays, the orchestrator.</summary>
    Task<object?> RunAsync(TaskOrchestrationContext context, object? input);
}

/// <summary>
/// A durable process. Its code is replayed from the history after every event, so it must be deterministic: time, ids and all
/// effects come from the context; no I/O, no clock, no random numbers, no <c>ConfigureAwait(false)</c>, no threads.
/// </summary>
public abstract class TaskOrchestrator<TInput, TOutput> : ITaskOrchestrator
{
    Type ITaskOrchestrator.InputType => typeof(TInput);

    Type ITaskOrchestrator.OutputType => typeof(TOutput);

    async Task<object?> ITaskOrchestrator.RunAsync(TaskOrchestrationContext context, object? input)
        => await RunAsync(context, (TInput)input!);

    /// <summary>The process itself.</summary>
    /// <param name="context">The only source of time, ids and effects.</param>
    /// <param name="input">The input given at the start, or by the last continue-as-new.</param>
    public abstract Task<TOutput> RunAsync(TaskOrchestrationContext context, TInput input);
}
