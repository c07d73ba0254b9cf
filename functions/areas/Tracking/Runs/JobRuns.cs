using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;

namespace AiPlatform.Tracking.Runs;

/// <summary>Runs that jobs drive.</summary>
internal sealed class JobRuns(ExperimentStore experiments, RunStore runs, TimeProvider time) : IJobRuns
{
    /// <inheritdoc />
    public async Task<string> CreateAsync(UnitOfWork work, JobRun run, Caller caller)
    {
        var experimentId = await experiments.EnsureAsync(work.Connection, work.Transaction, run.ProjectId, run.Experiment, caller, work.Token);
        var created = new NewRun(Ids.New(time), run.ProjectId, experimentId, run.JobId, run.Name, RunStatus.Scheduled, caller.UserId, run.Params, null);
        return (await runs.InsertAsync(work.Connection, work.Transaction, created, work.Token)).Id;
    }

    /// <inheritdoc />
    public Task SetStateAsync(UnitOfWork work, string runId, JobRunState state)
        => work.ExecuteAsync(
            """
            UPDATE runs SET status = @status, status_reason = @Reason, updated_at = @now, started_at = coalesce(started_at, @StartedAt), ended_at = @EndedAt
            WHERE id = @runId
            """,
            new { runId, status = state.Status.ToText(), state.Reason, state.StartedAt, state.EndedAt, now = time.GetUtcNow() });
}
