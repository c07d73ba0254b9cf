using System.Text.Json;

namespace AiPlatform.Contracts.Queues;

/// <summary>A worker's sign of life; it also extends its hold on the tasks that it runs.</summary>
/// <example>
/// {"pool": "default", "lane": "light", "slots": 8, "running": [{"taskId": "0198c7a4d2f17c5e8a3b6d9e0f124578",
/// "fence": 1, "progress": 0.5}]}
/// </example>
/// <param name="Pool">The pool's name.</param>
/// <param name="Lane">The lane that it takes tasks from.</param>
/// <param name="Slots">Tasks that it can run at once.</param>
/// <param name="Running">What it runs; at most 10,000.</param>
public sealed record TaskWorkerHeartbeat(string Pool, TaskLane Lane, int Slots, IReadOnlyList<RunningTask> Running);

/// <summary>A task under way.</summary>
/// <param name="TaskId">The task's id.</param>
/// <param name="Fence">Which claim of the task it belongs to; an older one changes nothing.</param>
/// <param name="Progress">0 to 1; null when the handler says nothing.</param>
public sealed record RunningTask(string TaskId, int Fence, double? Progress = null);

/// <summary>The answer to a heartbeat.</summary>
/// <param name="Stop">Tasks to stop: cancelled, out of time, or no longer this worker's.</param>
/// <param name="IntervalSeconds">When the next one is expected.</param>
public sealed record TaskWorkerCommands(IReadOnlyList<string> Stop, double IntervalSeconds);

/// <summary>Takes released tasks; at most 1,000 at once.</summary>
/// <example>
/// {"workerId": "worker-1", "tasks": [{"taskId": "0198c7a4d2f17c5e8a3b6d9e0f124578", "fence": 1}]}
/// </example>
/// <param name="WorkerId">The worker's id.</param>
/// <param name="Tasks">The messages that the worker took.</param>
public sealed record ClaimTasksRequest(string WorkerId, IReadOnlyList<TaskMessage> Tasks);

/// <summary>What was granted; a task that is not there is somebody else's, cancelled, or was released again.</summary>
/// <param name="Tasks">What it may run; those that are not here are not its own.</param>
public sealed record ClaimedTasks(IReadOnlyList<TaskAssignment> Tasks);

/// <summary>A task to run.</summary>
/// <param name="TaskId">The task's id.</param>
/// <param name="Fence">Which claim of the task it belongs to; an older one changes nothing.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Handler">The handler that runs it.</param>
/// <param name="Payload">What the handler works on; null for nothing.</param>
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
/// <param name="TaskId">The task's id.</param>
/// <param name="Fence">Which claim of the task it belongs to; an older one changes nothing.</param>
/// <param name="Outcome">How the attempt ended.</param>
/// <param name="Result">JSON. One that cannot be stored (see <see cref="TaskCompletionRule"/>) is the failure of this attempt alone.</param>
/// <param name="ErrorKind">Such as <c>error</c>, <c>timeout</c>, <c>http.503</c>, <c>result.size</c>; decides about a repeat. Letters, digits and <c>. _ -</c>; at most 64 are kept.</param>
/// <param name="Error">For people; at most 4,000 characters are kept.</param>
public sealed record TaskCompletion(string TaskId, int Fence, TaskOutcome Outcome, JsonElement? Result = null, string? ErrorKind = null, string? Error = null);

/// <summary>Reports ends of attempts; at most 1,000 at once.</summary>
/// <example>
/// {"workerId": "worker-1", "tasks": [{"taskId": "0198c7a4d2f17c5e8a3b6d9e0f124578", "fence": 1, "outcome":
/// "succeeded", "result": {"words": 2}}], "takes": 4}
/// </example>
/// <param name="WorkerId">The worker's id.</param>
/// <param name="Tasks">How attempts ended.</param>
/// <param name="Takes">How many tasks the worker runs at once from the answer, at most as many as it reports; 0 for a worker that stops.</param>
public sealed record CompleteTasksRequest(string WorkerId, IReadOnlyList<TaskCompletion> Tasks, int Takes = 0);

/// <summary>What was taken in.</summary>
/// <param name="Accepted">How many changed a task; the others came twice, or too late.</param>
/// <param name="Next">
/// Tasks that are the worker's without a claim: their turn has come because the reported ones ended. When a report is repeated, all that
/// the worker is taken to run, since it may not have got the first answer.
/// </param>
public sealed record CompletedTasks(int Accepted, IReadOnlyList<TaskAssignment> Next);
