using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Garbage;

/// <summary>
/// What a feature knows about the blobs of one container. Register one for each container with
/// <c>services.AddSingleton&lt;IGarbageSource, T&gt;()</c>.
/// </summary>
public interface IGarbageSource
{
    /// <summary>The container whose blobs it knows.</summary>
    string Container { get; }

    /// <summary>
    /// Releases some of what was deleted before <see cref="GarbageRound.DeletedBefore"/>: marks it so that nobody can restore
    /// it, drops its references to blobs, and puts these into the <see cref="GarbageQueue"/>, each thing in one transaction with its
    /// count (<see cref="GarbageRound.CountAsync"/>). A bounded number; safe when several instances do it at once.
    /// </summary>
    Task ReleaseAsync(GarbageRound round, CancellationToken cancellationToken);

    /// <summary>Those of these blobs that something still refers to.</summary>
    /// <param name="work">The transaction that holds the queue's rows of these blobs.</param>
    Task<IReadOnlyCollection<string>> ReferencedAsync(UnitOfWork work, string[] names);
}
