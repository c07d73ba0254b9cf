namespace AiPlatform.Contracts.Tasks;

/// <summary>The state of a long operation.</summary>
public enum TaskState
{
    /// <summary>Not begun.</summary>
    Pending,

    /// <summary>Under way.</summary>
    Running,

    /// <summary>Ended well.</summary>
    Succeeded,

    /// <summary>Ended with an error.</summary>
    Failed,

    /// <summary>Ended by request.</summary>
    Cancelled,
}

/// <summary>A long operation of any kind, seen the same way.</summary>
/// <param name="Id">Its id, which is that of what it does.</param>
/// <param name="ProjectId">Null for the platform's own work.</param>
/// <param name="Kind"><c>trainingJob</c>, <c>datasetImport</c>, <c>qualityReport</c>, <c>queueTask</c>, <c>orchestration</c> (<see cref="TaskKinds"/>).</param>
/// <param name="Name">The name that people see.</param>
/// <param name="State">Where it is in its life.</param>
/// <param name="Reason">Why it waits, failed or was cancelled.</param>
/// <param name="Progress">0 to 1 where it is known.</param>
/// <param name="Link">The resource behind it.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
public sealed record PlatformTask(
    string Id, string? ProjectId, string Kind, string Name, TaskState State, string? Reason, double? Progress, string Link,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt);
