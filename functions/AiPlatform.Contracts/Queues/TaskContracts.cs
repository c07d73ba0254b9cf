using System.Text.Json;
using AiPlatform.Contracts.Jobs;

namespace AiPlatform.Contracts.Queues;

/// <summary>The life of a task in a queue.</summary>
public enum QueueTaskStatus
{
    /// <summary>Waits for the tasks that it depends on.</summary>
    Blocked,

    /// <summary>Waits for its time: delayed, or between two attempts.</summary>
    Scheduled,

    /// <summary>Waits for its concurrency key.</summary>
    Limited,

    /// <summary>Could run; waits for its turn.</summary>
    Ready,

    /// <summary>Released: a message for a worker is on its way.</summary>
    Queued,

    /// <summary>A worker runs it.</summary>
    Running,

    /// <summary>Ended well; the result is stored.</summary>
    Succeeded,

    /// <summary>Ended with an error that is not repeated; it can be inspected, edited and replayed.</summary>
    DeadLettered,

    /// <summary>Ended by request.</summary>
    Cancelled,

    /// <summary>Never ran: what it depends on ended the other way.</summary>
    Skipped,
}

/// <summary>When a failed attempt is followed by another.</summary>
/// <param name="MaxAttempts">1 to 100.</param>
/// <param name="FirstDelaySeconds">Before the second attempt; grows by <paramref name="BackoffCoefficient"/> up to <paramref name="MaxDelaySeconds"/>.</param>
/// <param name="BackoffCoefficient">What the delay is multiplied with after each attempt.</param>
/// <param name="MaxDelaySeconds">The longest delay, in seconds.</param>
/// <param name="Jitter">0 to 1: the part of each delay that is random, so that many failures do not come back together.</param>
/// <param name="RetryOn">Kinds of errors that are repeated, such as <c>timeout</c>, <c>lost</c>, <c>http.503</c>; a trailing <c>*</c> stands for any ending. Null: all but <c>invalid</c>.</param>
public sealed record TaskRetry(
    int MaxAttempts = 3, double FirstDelaySeconds = 1, double BackoffCoefficient = 2, double MaxDelaySeconds = 300, double Jitter = 0.5,
    IReadOnlyList<string>? RetryOn = null);

/// <summary>Which ends of other tasks a task waits for.</summary>
public enum DependencyMode
{
    /// <summary>All of them succeed; skipped when one does not.</summary>
    All,

    /// <summary>One of them succeeds; skipped when none does.</summary>
    Any,

    /// <summary>One of them ends without success; skipped when all succeed.</summary>
    OnFailure,
}

/// <summary>What a task waits for.</summary>
/// <param name="Tasks">Ids of tasks of the same project or, within one bulk submission, their <c>ref</c>; at most 1,000.</param>
/// <param name="Mode">When they count as met.</param>
public sealed record TaskDependencies(IReadOnlyList<string> Tasks, DependencyMode Mode = DependencyMode.All);

/// <summary>At most <paramref name="Limit"/> tasks of the queue with the same key run at once.</summary>
/// <param name="Key">Tasks of the project with the same key share the limit.</param>
/// <param name="Limit">1 to 10,000.</param>
public sealed record TaskConcurrency(string Key, int Limit = 1);

/// <summary>Submits a task.</summary>
/// <example>
/// {"handler": "http", "payload": {"url": "https://example.org/hook"}, "name": "Call the hook", "retry":
/// {"maxAttempts": 5}, "timeoutSeconds": 30}
/// </example>
/// <param name="Handler">One of <see cref="TaskHandlers"/>.</param>
/// <param name="Payload">What the handler works on; at most 64 KiB and 48 levels of nesting.</param>
/// <param name="Name">Shown to people.</param>
/// <param name="Priority">How urgent it is.</param>
/// <param name="Retry">When a failed attempt is followed by another; see the defaults.</param>
/// <param name="DependsOn">Tasks that it waits for; null for none.</param>
/// <param name="RunAt">Not before this time.</param>
/// <param name="DelaySeconds">Not before so long from now; at most a year. Excludes <paramref name="RunAt"/>.</param>
/// <param name="TimeoutSeconds">Of one attempt; 1 to 86,400.</param>
/// <param name="Deadline">A task that has not ended by then is dead-lettered.</param>
/// <param name="Concurrency">Which other tasks it must not run beside; null for none.</param>
/// <param name="DeduplicationKey">While a live task of the queue has this key, submitting again answers that task.</param>
/// <param name="ParentId">The task on whose behalf this one is submitted; cancelling a tree reaches it.</param>
/// <param name="Ref">A name for other tasks of the same bulk submission to depend on.</param>
public sealed record SubmitTaskRequest(
    string Handler,
    JsonElement? Payload = null,
    string? Name = null,
    JobPriority Priority = JobPriority.Normal,
    TaskRetry? Retry = null,
    TaskDependencies? DependsOn = null,
    DateTimeOffset? RunAt = null,
    double? DelaySeconds = null,
    int TimeoutSeconds = 300,
    DateTimeOffset? Deadline = null,
    TaskConcurrency? Concurrency = null,
    string? DeduplicationKey = null,
    string? ParentId = null,
    string? Ref = null);

/// <summary>Submits many tasks in one transaction: all of them, or none.</summary>
/// <example>
/// {"tasks": [{"handler": "noop", "ref": "first"}, {"handler": "noop", "dependsOn": {"tasks": ["first"]}}]}
/// </example>
/// <param name="Tasks">1 to 10,000.</param>
public sealed record SubmitTasksRequest(IReadOnlyList<SubmitTaskRequest> Tasks);

/// <summary>A task that was submitted.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Deduplicated">It is an earlier one with the same deduplication key.</param>
public sealed record SubmittedTask(string Id, bool Deduplicated = false);

/// <summary>The submitted tasks, in the order of the request.</summary>
/// <param name="Tasks">The tasks, in the order of the request.</param>
public sealed record SubmittedTasks(IReadOnlyList<SubmittedTask> Tasks);

/// <summary>A task as the API shows it.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Project">The project's name.</param>
/// <param name="Pool">The pool's name.</param>
/// <param name="Name">Shown to people; null when it has none.</param>
/// <param name="Handler">The handler that runs it.</param>
/// <param name="Priority">How urgent it is.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Reason">Why it waits, failed or was cancelled.</param>
/// <param name="ErrorKind">The kind of the last error, as in <see cref="TaskRetry.RetryOn"/>.</param>
/// <param name="Attempt">The number of attempts so far.</param>
/// <param name="Retry">When a failed attempt is followed by another.</param>
/// <param name="Payload">What the handler works on; null for nothing.</param>
/// <param name="Result">What the handler answered; null until it has succeeded.</param>
/// <param name="Progress">0 to 1, as the handler last said.</param>
/// <param name="DependsOn">The tasks that it waits for; null for none.</param>
/// <param name="Concurrency">Which other tasks it must not run beside; null for none.</param>
/// <param name="DeduplicationKey">The key under which it was submitted; null for none.</param>
/// <param name="ParentId">The task on whose behalf it was submitted; null for none.</param>
/// <param name="TimeoutSeconds">The most that one attempt may take, in seconds.</param>
/// <param name="Deadline">A task that has not ended by then is dead-lettered; null for none.</param>
/// <param name="SubmittedBy">The id of the account that submitted it; null when the account is gone.</param>
/// <param name="WorkerId">The worker that runs it, or ran it last; null for none.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="DueAt">While it waits: when it may run, or since when it could.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
public sealed record QueueTask(
    string Id, string Project, string Pool, string? Name, string Handler, JobPriority Priority, QueueTaskStatus Status, string? Reason, string? ErrorKind,
    int Attempt, TaskRetry Retry, JsonElement? Payload, JsonElement? Result, double? Progress, TaskDependencies? DependsOn, TaskConcurrency? Concurrency,
    string? DeduplicationKey, string? ParentId, int TimeoutSeconds, DateTimeOffset? Deadline, string? SubmittedBy, string? WorkerId,
    DateTimeOffset CreatedAt, DateTimeOffset DueAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt);

/// <summary>Cancels a long operation of any kind.</summary>
/// <example>{"reason": "No longer needed.", "tree": true}</example>
/// <param name="Reason">Why, for people; at most 2,000 characters.</param>
/// <param name="Tree">
/// Also every task of a queue that depends on it or was submitted on its behalf, directly or through others; one that is submitted on
/// behalf of such a task later never runs. Other kinds have no tree.
/// </param>
public sealed record CancelTaskRequest(string? Reason = null, bool Tree = false);

/// <summary>What a cancellation reached.</summary>
/// <param name="Cancelled">Tasks that had not begun and never will.</param>
/// <param name="Stopping">Tasks that run; their workers have been told to stop.</param>
public sealed record CancelledTasks(int Cancelled, int Stopping);
