using System.Text.Json;

namespace AiPlatform.Contracts.Jobs;

/// <summary>The life of a job.</summary>
public enum JobStatus
{
    /// <summary>Accepted; its orchestration has not begun.</summary>
    Pending,

    /// <summary>Waits for the jobs that it depends on, or for capacity.</summary>
    Waiting,

    /// <summary>Admitted: its nodes are in the queue.</summary>
    Queued,

    /// <summary>Its ranks run.</summary>
    Running,

    /// <summary>An attempt failed; the next one follows after the back-off.</summary>
    Retrying,

    /// <summary>Its nodes are being stopped.</summary>
    Cancelling,

    /// <summary>Ended well.</summary>
    Succeeded,

    /// <summary>Ended with an error; the reason is in the job.</summary>
    Failed,

    /// <summary>Ended by request.</summary>
    Cancelled,
}

/// <summary>Which queue a job's nodes wait in.</summary>
public enum JobPriority
{
    /// <summary>Before everything.</summary>
    Critical,

    /// <summary>Before normal.</summary>
    High,

    /// <summary>The default.</summary>
    Normal,

    /// <summary>When nothing else waits.</summary>
    Low,
}

/// <summary>The code of a job that is not a built-in recipe.</summary>
/// <param name="Entrypoint">The Python file to start, one of <paramref name="Files"/>.</param>
/// <param name="Files">Path → text; together at most 1 MB.</param>
public sealed record JobCode(string Entrypoint, IReadOnlyDictionary<string, string> Files);

/// <summary>A dataset version that a job reads.</summary>
/// <param name="Dataset">Name or id.</param>
/// <param name="Version">Null: the newest ready version at submission.</param>
public sealed record JobDataset(string Dataset, int? Version = null);

/// <summary>What a job needs to run.</summary>
/// <param name="Nodes">Machines, 1 to 64.</param>
/// <param name="ProcessesPerNode">Ranks on each, 1 to 16.</param>
/// <param name="GpusPerProcess">0 for CPU.</param>
/// <param name="Pool">The runner pool.</param>
public sealed record JobResources(int Nodes = 1, int ProcessesPerNode = 1, int GpusPerProcess = 0, string Pool = "default");

/// <summary>When a failed attempt is followed by another.</summary>
/// <param name="MaxAttempts">1 to 20.</param>
/// <param name="FirstDelaySeconds">Before the second attempt; doubles (see <paramref name="BackoffCoefficient"/>) up to <paramref name="MaxDelaySeconds"/>.</param>
/// <param name="BackoffCoefficient">What the delay is multiplied with after each attempt.</param>
/// <param name="MaxDelaySeconds">The longest delay, in seconds.</param>
public sealed record JobRetry(
    int MaxAttempts = 3, double FirstDelaySeconds = 1, double BackoffCoefficient = 2, double MaxDelaySeconds = 60);

/// <summary>Submits a training job. Exactly one of <paramref name="Recipe"/> and <paramref name="Code"/> is given.</summary>
/// <example>
/// {"name": "digits", "recipe": "image-classifier", "params": {"epochs": 5, "lr": 0.1}, "datasets": [{"dataset":
/// "digits", "version": 1}], "resources": {"nodes": 1, "processesPerNode": 2}, "registerModel": "digits"}
/// </example>
/// <param name="Name">Shown to people; made up when absent.</param>
/// <param name="Experiment">The experiment's name, created when missing; default <c>default</c>.</param>
/// <param name="Recipe">A built-in recipe, such as <c>image-classifier</c>.</param>
/// <param name="Code">Code of one's own instead of a recipe.</param>
/// <param name="Params">A JSON object that the training code reads; also the run's params.</param>
/// <param name="Datasets">The dataset versions that it reads.</param>
/// <param name="Resources">What it needs; one process on a CPU when absent.</param>
/// <param name="Priority">Which queue it waits in.</param>
/// <param name="Retry">When a failed attempt is followed by another; see the defaults.</param>
/// <param name="TimeoutSeconds">Of one attempt, counted from its start; 1 to 604,800.</param>
/// <param name="DependsOn">Ids of jobs of the same project that must succeed first.</param>
/// <param name="RegisterModel">Registers the best model artifact under this name when the job succeeds.</param>
public sealed record SubmitJobRequest(
    string? Name = null,
    string? Experiment = null,
    string? Recipe = null,
    JobCode? Code = null,
    JsonElement? Params = null,
    IReadOnlyList<JobDataset>? Datasets = null,
    JobResources? Resources = null,
    JobPriority Priority = JobPriority.Normal,
    JobRetry? Retry = null,
    int TimeoutSeconds = 86_400,
    IReadOnlyList<string>? DependsOn = null,
    string? RegisterModel = null);

/// <summary>A job as the API shows it.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Name">Shown to people.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Reason">Why it waits, failed or was cancelled.</param>
/// <param name="RunId">The run's id.</param>
/// <param name="ExperimentId">The experiment's id.</param>
/// <param name="Priority">How urgent it is.</param>
/// <param name="Spec">What the job runs, with every default filled in.</param>
/// <param name="Attempt">The number of attempts so far.</param>
/// <param name="Attempts">The attempts, in order.</param>
/// <param name="Model">The registered version as <c>name/version</c>, when one was registered.</param>
/// <param name="SubmittedBy">The id of the account that submitted it; null when the account is gone.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
public sealed record Job(
    string Id, string ProjectId, string Name, JobStatus Status, string? Reason, string RunId, string ExperimentId, JobPriority Priority,
    JobSpec Spec, int Attempt, IReadOnlyList<JobAttempt> Attempts, string? Model, string? SubmittedBy,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt);

/// <summary>What a job runs, complete: defaults filled in, dataset versions fixed.</summary>
/// <param name="Recipe">The built-in recipe; null where code of one's own runs.</param>
/// <param name="Code">The code; null where a recipe runs.</param>
/// <param name="Params">A JSON object that the training code reads.</param>
/// <param name="Datasets">The dataset versions that it reads.</param>
/// <param name="Resources">What it needs to run.</param>
/// <param name="Retry">When a failed attempt is followed by another.</param>
/// <param name="TimeoutSeconds">The most that one attempt may take, in seconds.</param>
/// <param name="DependsOn">Ids of jobs that must succeed first.</param>
/// <param name="RegisterModel">The name under which the best model is registered; null for none.</param>
public sealed record JobSpec(
    string? Recipe, JobCode? Code, JsonElement Params, IReadOnlyList<JobDataset> Datasets, JobResources Resources, JobRetry Retry,
    int TimeoutSeconds, IReadOnlyList<string> DependsOn, string? RegisterModel);

/// <summary>The state of an attempt or of one of its nodes.</summary>
public enum AttemptStatus
{
    /// <summary>Its messages are in the queue.</summary>
    Queued,

    /// <summary>At least one node runs.</summary>
    Running,

    /// <summary>All nodes ended well.</summary>
    Succeeded,

    /// <summary>A node failed.</summary>
    Failed,

    /// <summary>A node's runner was lost.</summary>
    Lost,

    /// <summary>Stopped by request.</summary>
    Cancelled,
}

/// <summary>One attempt: a gang of nodes that starts and ends together.</summary>
/// <param name="Attempt">The attempt's number, from 1.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Reason">Why, for people; null when there is nothing to say.</param>
/// <param name="ResumeStep">The step of the checkpoint that it went on from.</param>
/// <param name="Nodes">The nodes of the gang.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
public sealed record JobAttempt(
    int Attempt, AttemptStatus Status, string? Reason, long? ResumeStep, IReadOnlyList<JobNode> Nodes, DateTimeOffset CreatedAt, DateTimeOffset? EndedAt);

/// <summary>One node of an attempt.</summary>
/// <param name="Node">The node's number, from 0.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="RunnerId">The runner that has it; null while none has.</param>
/// <param name="ExitCode">The exit code of its process; null while it runs or when it was lost.</param>
/// <param name="Reason">Why, for people; null when there is nothing to say.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
public sealed record JobNode(
    int Node, AttemptStatus Status, string? RunnerId, int? ExitCode, string? Reason, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt);

/// <summary>Answer to a submission: the job and where to watch it.</summary>
/// <param name="Job">The job, which has not begun.</param>
/// <param name="StatusQueryGetUri">The Durable status endpoint of the job's orchestration.</param>
/// <param name="SendEventPostUri">Where a POST sends the orchestration an event; <c>{eventName}</c> stands for its name.</param>
/// <param name="TerminatePostUri">Where a POST terminates the orchestration.</param>
public sealed record JobSubmission(
    Job Job, string StatusQueryGetUri, string SendEventPostUri, string TerminatePostUri);

/// <summary>Cancels a job.</summary>
/// <example>{"reason": "The learning rate was wrong."}</example>
/// <param name="Reason">Why, for people; at most 2,000 characters.</param>
public sealed record CancelJobRequest(string? Reason = null);
