using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Operations;

/// <summary>
/// A kind of long operation. Register with <c>services.AddSingleton&lt;ITaskKind, T&gt;()</c>: its operations are then listed as tasks, explained,
/// cancelled and read like all others.
/// </summary>
public interface ITaskKind
{
    /// <summary>One of <see cref="TaskKinds"/>.</summary>
    string Kind { get; }

    /// <summary>Where its operations are.</summary>
    TaskSource Source { get; }

    /// <summary>Whether an operation can have descendants that go on when it is over.</summary>
    bool HasTrees => false;

    /// <summary>What a status of this kind means.</summary>
    TaskState StateOf(string status);

    /// <summary>The operation's reason as a caller reads it, in the language of the request.</summary>
    string? Told(string? reason);

    /// <summary>Explains, in words and in data, why an operation waits.</summary>
    Task<TaskWait> ExplainAsync(TaskReference task, bool chinese, CancellationToken cancellationToken);

    /// <summary>Cancels an operation; null when its state says what came of it.</summary>
    /// <exception cref="ApiException">409 <c>illegal_transition</c> when it has ended.</exception>
    Task<CancelledTasks?> CancelAsync(TaskReference task, CancelTaskRequest request, CancellationToken cancellationToken);

    /// <summary>What an attempt has written to standard output and standard error.</summary>
    /// <exception cref="ApiException">404 when nothing is kept of it.</exception>
    Task<Stream> OpenLogAsync(TaskReference task, int attempt, CancellationToken cancellationToken);
}

/// <summary>An operation, as its kind is asked about it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="ProjectId">Its project.</param>
/// <param name="Status">As the kind spells it.</param>
/// <param name="Reason">As the kind keeps it; null when there is none.</param>
public sealed record TaskReference(string Id, string ProjectId, string Status, string? Reason);

/// <summary>Where the operations of a kind are, in SQL. Every expression is a constant of the kind.</summary>
/// <param name="Select">
/// <c>SELECT id, project_id, kind, name, status, reason, link, progress, created_at, started_at, ended_at FROM …</c>, in this order, without conditions.
/// </param>
/// <param name="Id">The id among the tables of <paramref name="Select"/>; ids grow with time.</param>
/// <param name="Live">The condition of what is shown.</param>
/// <param name="Within">The condition that ties an operation to a project <c>p</c>, or to what <paramref name="Parents"/> joins; an index serves it, by id.</param>
/// <param name="Parents">Joined to a project <c>p</c> before its newest operations are taken; empty when they hang on the project itself.</param>
public sealed record TaskSource(string Select, string Id, string Live, string Within, string Parents = "");
