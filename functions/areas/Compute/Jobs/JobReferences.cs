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

    /// <inheritdoc />
    public async Task<JobRecord?> FindAsync(UnitOfWork work, string job)
        => await work.FindAsync<JobRow>($"SELECT {JobRow.Columns} FROM {JobRow.From} WHERE j.id = @job", new { job }) is { } row
            ? new JobRecord(row.Id, row.Name, row.Status, row.Attempt, row.CreatedBy, row.ReadSpec())
            : null;

    /// <inheritdoc />
    public Task ResumeAsync(UnitOfWork work, string runId, int attempt, long step)
        => work.ExecuteAsync(
            "UPDATE job_attempts a SET resume_step = @step FROM jobs j WHERE j.run_id = @runId AND a.job_id = j.id AND a.attempt = @attempt",
            new { runId, attempt, step });
}
