using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Compute;

/// <summary>Training jobs.</summary>
public interface IJobs
{
    /// <summary>Locks a job for a change that depends on it.</summary>
    /// <exception cref="ApiException">404 <c>not_found</c>.</exception>
    Task<JobReference> LockAsync(UnitOfWork work, string job);

    /// <summary>A job, deleted or not; null when there is none.</summary>
    Task<JobRecord?> FindAsync(UnitOfWork work, string job);

    /// <summary>Notes that an attempt of the job of this run, if a job drives it, goes on after a step.</summary>
    Task ResumeAsync(UnitOfWork work, string runId, int attempt, long step);
}

/// <summary>What a job says about the model that it makes.</summary>
/// <param name="Id">The job.</param>
/// <param name="ProjectId">Its project.</param>
/// <param name="RunId">Its run.</param>
/// <param name="RegisterModel">The model that its best artifact becomes a version of; null when it asks for none.</param>
/// <param name="CreatedBy">Who submitted it.</param>
public sealed record JobReference(string Id, string ProjectId, string RunId, string? RegisterModel, string? CreatedBy);

/// <summary>What is known about a job.</summary>
/// <param name="Id">The job.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">Its status.</param>
/// <param name="Attempt">Its last attempt.</param>
/// <param name="CreatedBy">Who submitted it.</param>
/// <param name="Spec">What was submitted.</param>
public sealed record JobRecord(string Id, string Name, JobStatus Status, int Attempt, string? CreatedBy, JobSpec Spec);
