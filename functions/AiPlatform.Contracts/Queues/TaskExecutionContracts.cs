using System.Text.Json;

namespace AiPlatform.Contracts.Queues;

/// <summary>A worker's sign of life; it also extends its hold on the tasks that it runs.</summary>
/// <param name="Slots">Tasks that it can run at once.</param>
/// <param name="Running">What it runs; at most 10,000.</param>
public sealed record TaskWorkerHeartbeat(string Pool, TaskLane Lane, int Slots, IReadOnlyList<RunningTask> Running);

/// <summary>A task under way.</summary>
/// <param name="Progress">0 to 1; null when the handler says nothing.</param>
public sealed record RunningTask(string TaskId, int Fence, double? Progress = null);

/// <summary>The answer to a heartbeat.</summary>
/// <param name="Stop">Tasks to stop: cancelled, out of time, or no longer this worker's.</param>
/// <param name="IntervalSeconds">When the next one is expected.</param>
public sealed record TaskWorkerCommands(IReadOnlyList<string> Stop, double IntervalSeconds);

/// <summary>Takes released tasks; at most 1,000 at once.</summary>
public sealed record ClaimTasksRequest(string WorkerId, IReadOnlyList<TaskMessage> Tasks);

/// <summary>What was granted; a task that is not there is somebody else's, cancelled, or was released again.</summary>
public sealed record ClaimedTasks(IReadOnlyList<TaskAssignment> Tasks);

/// <summary>A task to run.</summary>
/// <param name="Attempt">From 1.</param>
/// <param name="TimeoutSeconds">How long it may run: the attempt's timeout, or less when its deadline is nearer.</param>
public sealed record TaskAssignment(
    string TaskId, int Fence, string ProjectId, string Handler, JsonElement? Payload, int Attempt, double TimeoutSeconds);

/// <summary>How an attempt ended.</summary>
public enum TaskOutcome
{
    /// <summary>Well.</summary>
    Succeeded,

    /// <summary>With an error.</summary>
    Failed,

    /// <summary>Stopped because the platform said so.</summary>
    Stopped,

    /// <summary>Not at all: the worker stops and gives the task back; the attempt does not count.</summary>
    GivenBack,
}

/// <summary>The end of one attempt.</summary>
/// <param name="Result">JSON. One that cannot be stored (see <see cref="TaskCompletionRule"/>) is the failure of this attempt alone.</param>
/// <param name="ErrorKind">Such as <c>error</c>, <c>timeout</c>, <c>http.503</c>, <c>result.size</c>; decides about a repeat. Letters, digits and <c>. _ -</c>; at most 64 are kept.</param>
/// <param name="Error">For people; at most 4,000 characters are kept.</param>
public sealed record TaskCompletion(string TaskId, int Fence, TaskOutcome Outcome, JsonElement? Result = null, string? ErrorKind = null, string? Error = null);

/// <summary>Reports ends of attempts; at most 1,000 at once.</summary>
/// <param name="Takes">How many tasks the worker runs at once from the answer, at most as many as it reports; 0 for a worker that stops.</param>
public sealed record CompleteTasksRequest(string WorkerId, IReadOnlyList<TaskCompletion> Tasks, int Takes = 0);

/// <summary>What was taken in.</summary>
/// <param name="Accepted">How many changed a task; the others came twice, or too late.</param>
/// <param name="Next">
/// Tasks that are the worker's without a claim: their turn has come because the reported ones ended. When a report is repeated, all that
/// the worker is taken to run, since it may not have got the first answer.
/// </param>
public sealed record CompletedTasks(int Accepted, IReadOnlyList<TaskAssignment> Next);
