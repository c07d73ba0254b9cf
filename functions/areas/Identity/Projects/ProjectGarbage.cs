using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Identity.Projects;

/// <summary>Releases projects that were deleted for longer than the retention, with what every area keeps for them. Their rows stay: lineage names them.</summary>
internal sealed class ProjectGarbage(Database database, IEnumerable<IProjectPart> parts) : IGarbageRelease
{
    /// <inheritdoc />
    public int Order => 0;

    /// <inheritdoc />
    public Task ReleaseAsync(GarbageRound round, CancellationToken cancellationToken)
        => DeletedRows.ReleaseAsync(
            database,
            round,
            new DeletedTable("projects", "projects"),
            async (work, id, deletedAt) =>
            {
                foreach (var part in parts)
                {
                    await part.ReleaseAsync(work, id, deletedAt);
                }
            },
            cancellationToken);
}
