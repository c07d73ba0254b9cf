using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Garbage;

/// <summary>
/// Releases what was deleted for longer than the retention. Register with <c>services.AddSingleton&lt;IGarbageRelease, T&gt;()</c>; each round
/// calls all of them before it looks at blobs.
/// </summary>
public interface IGarbageRelease
{
    /// <summary>Its place in the round, smaller first: what holds others comes before them, so that one round takes all of it.</summary>
    int Order { get; }

    /// <summary>
    /// Releases some of what was deleted before <see cref="GarbageRound.DeletedBefore"/>: marks it so that nobody can restore
    /// it, drops its references to blobs, and puts these into the <see cref="GarbageQueue"/>, each thing in one transaction with its
    /// count (<see cref="GarbageRound.CountAsync(Postgres.UnitOfWork, string, int)"/>). A bounded number; safe when several instances do it at once.
    /// </summary>
    Task ReleaseAsync(GarbageRound round, CancellationToken cancellationToken);
}
