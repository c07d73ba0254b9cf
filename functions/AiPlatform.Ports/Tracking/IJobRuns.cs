using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Tracking;

/// <summary>Runs that jobs drive.</summary>
public interface IJobRuns
{
    /// <summary>Creates the run of a job, scheduled, in an experiment that is made when there is none of this name; gives the run's id.</summary>
    Task<string> CreateAsync(UnitOfWork work, JobRun run, Caller caller);

    /// <summary>Moves a run with its job.</summary>
    Task SetStateAsync(UnitOfWork work, string runId, JobRunState state);
}

/// <summary>The run of a job that is submitted.</summary>
/// <param name="ProjectId">The project of both.</param>
/// <param name="JobId">The job.</param>
/// <param name="Experiment">The experiment's name.</param>
/// <param name="Name">The run's name.</param>
/// <param name="Params">Its parameters as texts.</param>
public sealed record JobRun(string ProjectId, string JobId, string Experiment, string Name, IReadOnlyDictionary<string, string>? Params);
