using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Garbage;

/// <summary>
/// What an area keeps for a project. Register with <c>services.AddSingleton&lt;IProjectPart, T&gt;()</c>: it goes when the project can no longer be
/// restored, rows, blobs and secrets alike.
/// </summary>
public interface IProjectPart
{
    /// <summary>
    /// Gives up what the area keeps for a project, in the transaction that purges it: small things at once, with their blobs put into the
    /// <see cref="GarbageQueue"/>; what has a release of its own is marked as deleted with the project and follows in this round or a later one.
    /// </summary>
    /// <param name="work">The transaction.</param>
    /// <param name="projectId">The project.</param>
    /// <param name="deletedAt">When it was deleted.</param>
    Task ReleaseAsync(UnitOfWork work, string projectId, DateTimeOffset deletedAt);
}
