using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Contracts.Jobs;

/// <summary>Queue names of the platform.</summary>
public static class JobQueues
{
    /// <summary>Where runners report the life of nodes.</summary>
    public const string Events = "job-events";

    /// <summary>The queue of a pool and a priority: Service Bus has no message priority.</summary>
    public static string For(string pool, JobPriority priority) => priority switch
    {
        JobPriority.Critical => $"jobs-{pool}-critical",
        JobPriority.High => $"jobs-{pool}-high",
        JobPriority.Normal => $"jobs-{pool}-normal",
        JobPriority.Low => $"jobs-{pool}-low",
        _ => throw new ArgumentOutOfRangeException(nameof(priority), priority, "Unknown priority."),
    };
}

/// <summary>Input of the orchestration <c>TrainingJob</c>; its instance id is the job id. The rest is its own memory across continue-as-new.</summary>
/// <param name="Attempt">The attempt to begin, from 1.</param>
/// <param name="Failures">Attempts that the job itself failed.</param>
/// <param name="Losses">Attempts lost with their runner.</param>
/// <param name="JobId">The job's id.</param>
public sealed record TrainingJobInput(string JobId, int Attempt = 1, int Failures = 0, int Losses = 0);

/// <summary>External events of the orchestration <c>TrainingJob</c>.</summary>
public static class TrainingJobEvents
{
    /// <summary>The orchestration's name.</summary>
    public const string Orchestration = "TrainingJob";

    /// <summary>A <see cref="Jobs.JobEvent"/>.</summary>
    public const string JobEvent = "job-event";

    /// <summary>Somebody cancels the job; the payload is the reason.</summary>
    public const string Cancel = "cancel";

    /// <summary>A job that this one depends on has ended; the payload is its id.</summary>
    public const string Dependency = "dependency";

    /// <summary>Capacity may be free.</summary>
    public const string Capacity = "capacity";
}

/// <summary>Asks to admit the next attempt; repeating it for an admitted attempt gives the same answer.</summary>
/// <example>{"attempt": 1}</example>
/// <param name="Attempt">From 1.</param>
public sealed record AdmitAttemptRequest(int Attempt);

/// <summary>Why an attempt was not admitted.</summary>
public enum AdmissionBlock
{
    /// <summary>It was admitted.</summary>
    None,

    /// <summary>A job that it depends on has not ended.</summary>
    Dependency,

    /// <summary>A job that it depends on failed or was cancelled: it can never run.</summary>
    DependencyFailed,

    /// <summary>The pool has too few free runners for the whole gang, or an earlier job waits for them.</summary>
    Capacity,

    /// <summary>The job is being cancelled or has ended.</summary>
    Ended,
}

/// <summary>The answer to an admission; the gang's runners' slots are reserved while the attempt lives.</summary>
/// <param name="Admitted">Whether the attempt may run.</param>
/// <param name="Block">Why the attempt was not admitted.</param>
/// <param name="Reason">Why it may not run now; null when it may.</param>
/// <param name="Queue">The queue that its nodes' messages go to.</param>
/// <param name="Nodes">One message for each node, to be sent to <paramref name="Queue"/>.</param>
public sealed record JobAdmission(bool Admitted, AdmissionBlock Block, string? Reason, string Queue, IReadOnlyList<NodeMessage> Nodes);

/// <summary>The Service Bus message that offers one node of an attempt to the runners. Message id: <c>{job}-{attempt}-{node}</c>.</summary>
/// <param name="JobId">The job's id.</param>
/// <param name="Attempt">The attempt's number, from 1.</param>
/// <param name="Node">The node's number, from 0.</param>
/// <param name="Nodes">Nodes of the gang.</param>
/// <param name="Traceparent">The W3C trace context that the message continues.</param>
public sealed record NodeMessage(string JobId, int Attempt, int Node, int Nodes, string? Traceparent = null)
{
    /// <summary>The message id, by which repeats are recognised.</summary>
    public string MessageId => $"{JobId}-{Attempt}-{Node}";
}

/// <summary>A runner asks for a node.</summary>
/// <example>
/// {"runnerId": "0198c7a4d2f17c5e8a3b6d9e0f124578", "sessionId": "0198c7a4d2f17c5e8a3b6d9e0f124579", "host":
/// "10.0.0.4"}
/// </example>
/// <param name="RunnerId">The runner's id.</param>
/// <param name="SessionId">The runner's current life; a claim of an older session is dead.</param>
/// <param name="Host">The address under which other nodes reach it.</param>
public sealed record ClaimNodeRequest(string RunnerId, string SessionId, string Host);

/// <summary>Everything a runner needs to run a node.</summary>
/// <param name="JobId">The job's id.</param>
/// <param name="RunId">The run's id.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Attempt">The attempt's number, from 1.</param>
/// <param name="Node">The node's number, from 0.</param>
/// <param name="Spec">What the job runs, with every default filled in.</param>
/// <param name="Datasets">The datasets to lay down before the ranks start.</param>
/// <param name="Checkpoint">The newest checkpoint of earlier attempts; null for a start from scratch.</param>
/// <param name="JobToken">May write to this run and nothing else.</param>
/// <param name="JobTokenExpiresIn">Seconds for which the job's token is valid.</param>
public sealed record NodeAssignment(
    string JobId, string RunId, string ProjectId, int Attempt, int Node, JobSpec Spec, IReadOnlyList<AssignedDataset> Datasets,
    Artifact? Checkpoint, string JobToken, int JobTokenExpiresIn);

/// <summary>A dataset version with URLs to read its files.</summary>
/// <param name="Name">The dataset's name.</param>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="Files">The files.</param>
public sealed record AssignedDataset(string Name, int Version, IReadOnlyList<FileDownload> Files);

/// <summary>Where the ranks of an attempt meet.</summary>
/// <example>{"masterHost": "10.0.0.4", "masterPort": 29500}</example>
/// <param name="MasterHost">The address of the node with rank 0.</param>
/// <param name="MasterPort">The port where the ranks meet.</param>
public sealed record Rendezvous(string MasterHost, int MasterPort);

/// <summary>What happened to a node.</summary>
public enum JobEventKind
{
    /// <summary>Its first rank process started.</summary>
    Started,

    /// <summary>All its ranks ended with exit code 0 and everything they logged is stored.</summary>
    Finished,

    /// <summary>A rank failed.</summary>
    Failed,

    /// <summary>Its runner is gone.</summary>
    Lost,

    /// <summary>It was stopped by command.</summary>
    Cancelled,
}

/// <summary>What happened to a node; exactly once by event id.</summary>
/// <example>
/// {"eventId": "0198c7a4d2f17c5e8a3b6d9e0f124578-1-0-started", "jobId": "0198c7a4d2f17c5e8a3b6d9e0f124578",
/// "attempt": 1, "node": 0, "kind": "started", "at": "2026-03-01T12:00:00Z", "runnerId":
/// "0198c7a4d2f17c5e8a3b6d9e0f124579"}
/// </example>
/// <param name="EventId">The event's id: one that comes twice changes nothing.</param>
/// <param name="JobId">The job's id.</param>
/// <param name="Attempt">The attempt's number, from 1.</param>
/// <param name="Node">The node's number, from 0.</param>
/// <param name="Kind">What happened.</param>
/// <param name="At">When it happened, by the runner's clock.</param>
/// <param name="ExitCode">The exit code of the first rank that failed; null for other events.</param>
/// <param name="Reason">Why, for people; null when there is nothing to say.</param>
/// <param name="RunnerId">The runner that reports it.</param>
public sealed record JobEvent(
    string EventId, string JobId, int Attempt, int Node, JobEventKind Kind, DateTimeOffset At,
    int? ExitCode = null, string? Reason = null, string? RunnerId = null);

/// <summary>Ends an attempt: its reservation is freed and its live nodes are told to stop.</summary>
/// <example>{"status": "failed", "reason": "Rank 0 exited with code 1."}</example>
/// <param name="Status">How it ended.</param>
/// <param name="Reason">Why it did not end well; null when it did.</param>
public sealed record EndAttemptRequest(AttemptStatus Status, string? Reason = null);

/// <summary>Moves a job along its transition table.</summary>
/// <example>{"status": "waiting", "reason": "Waits for a free GPU."}</example>
/// <param name="Status">The status to move to.</param>
/// <param name="Reason">Why, for people; null when there is nothing to say.</param>
public sealed record SetJobStatusRequest(JobStatus Status, string? Reason = null);

/// <summary>How much of a rank's log is stored.</summary>
/// <param name="Length">Bytes.</param>
public sealed record LogLength(long Length);
