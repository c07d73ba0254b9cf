using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;

namespace AiPlatform.Identity.Projects;

/// <summary>Projects, for other areas.</summary>
internal sealed class ProjectReferences : IProjects
{
    /// <inheritdoc />
    public Task LockAsync(UnitOfWork work, string projectId)
        => work.ExecuteAsync("SELECT 1 FROM projects WHERE id = @projectId FOR NO KEY UPDATE", new { projectId });

    /// <inheritdoc />
    public Task<string> NameAsync(UnitOfWork work, string projectId)
        => work.SingleAsync<string>("SELECT name FROM projects WHERE id = @projectId", new { projectId });
}
