using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;

namespace AiPlatform.Compute.Jobs;

/// <summary>Jobs, for other areas.</summary>
internal sealed class JobReferences : IJobs
{
    /// <inheritdoc />
    public async Task<JobReference> LockAsync(UnitOfWork work, string job)
    {
        var row = await JobAccess.LockAsync(work, job);
        return new JobReference(row.Id, row.ProjectId, row.RunId, row.ReadSpec().RegisterModel, row.CreatedBy);
    }
}
