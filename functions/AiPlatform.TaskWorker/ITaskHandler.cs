using System.Text.Json;
using AiPlatform.Contracts.Queues;

namespace AiPlatform.TaskWorker;

/// <summary>Runs tasks of one kind. It may be called again for a task that it ran before: the effect must bear that.</summary>
public interface ITaskHandler
{
    /// <summary>The handler's name, as tasks name it.</summary>
    string Name { get; }

    /// <summary>Runs one attempt and returns its result as JSON, or null.</summary>
    /// <param name="task">The attempt.</param>
    /// <param name="cancellationToken">Ends when the attempt is out of time, cancelled, or its worker stops.</param>
    /// <exception cref="TaskFailedException">The attempt failed, with a kind of error that decides about a repeat; any other exception is of kind <c>error</c>.</exception>
    Task<JsonElement?> RunAsync(TaskContext task, CancellationToken cancellationToken);
}

/// <summary>One attempt, as its handler sees it.</summary>
/// <param name="assignment">What was claimed.</param>
public sealed class TaskContext(TaskAssignment assignment)
{
    /// <summary>What was claimed.</summary>
    public TaskAssignment Assignment { get; } = assignment;

    /// <summary>How far it is, 0 to 1; sent with the next heartbeat.</summary>
    public double? Progress { get; set; }
}

/// <summary>An attempt failed for a reason that has a name.</summary>
/// <param name="kind">As in <see cref="TaskRetry.RetryOn"/>.</param>
/// <param name="message">For people.</param>
public sealed class TaskFailedException(string kind, string message) : Exception(message)
{
    /// <summary>As in <see cref="TaskRetry.RetryOn"/>.</summary>
    public string Kind { get; } = kind;
}
