namespace AiPlatform.Ports.Compute;

/// <summary>What of jobs the statements of other areas may read: <c>FROM {ComputeRelations.Jobs} j</c>.</summary>
public static class ComputeRelations
{
    /// <summary>Jobs, deleted ones too.</summary>
    public const string Jobs = "(SELECT id, project_id, run_id, name, deleted_at FROM jobs)";

    /// <summary>The dataset versions that jobs read.</summary>
    public const string JobInputs = "(SELECT job_id, version_id FROM job_datasets)";

    /// <summary>Attempts of jobs, and how they went.</summary>
    public const string JobAttempts = "(SELECT job_id, attempt, status, reason, started_at, ended_at FROM job_attempts)";
}
