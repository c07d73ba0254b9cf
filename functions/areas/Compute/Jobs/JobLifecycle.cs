using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Compute.Jobs;

/// <summary>Moves jobs along their transition table, together with their runs, attempts, dependents and listeners.</summary>
internal sealed class JobLifecycle(Database database, IJobRuns runs, CapacitySignal capacity, IOutbox outbox, EventStream events, TimeProvider time)
{
    /// <summary>Sets a job's status on behalf of its orchestration; the state that it has already is no step.</summary>
    /// <exception cref="ApiException">404; 409 <c>illegal_transition</c>.</exception>
    public Task SetStatusAsync(string jobId, JobStatus status, string? reason, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var job = await JobAccess.LockAsync(work, jobId);
                // A cancellation that came while the orchestration was deciding wins: its next admission tells it.
                var overtaken = job.Status == JobStatus.Cancelling && status is (JobStatus.Waiting or JobStatus.Queued or JobStatus.Running or JobStatus.Retrying);
                if (!overtaken)
                {
                    await MoveAsync(work, job, status, reason);
                }
            },
            cancellationToken);

    /// <summary>Cancels a job; repeating it is harmless.</summary>
    /// <exception cref="ApiException">404; 409 <c>illegal_transition</c> when the job has ended otherwise.</exception>
    public Task CancelAsync(string jobId, string? reason, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var job = await JobAccess.LockAsync(work, jobId);
                if (job.Status is JobStatus.Cancelling or JobStatus.Cancelled)
                {
                    return;
                }

                await MoveAsync(work, job, JobStatus.Cancelling, reason);
                await work.ExecuteAsync("UPDATE jobs SET cancel_reason = @reason, admission_asked_at = NULL WHERE id = @jobId", new { jobId, reason });
                await outbox.EnqueueAsync(work, OutboxMessage.Raise(jobId, TrainingJobEvents.Cancel, reason ?? "cancelled"));
                // Whoever waited behind this job may go now.
                await capacity.RaiseAsync(work, job.Pool);
            },
            cancellationToken);

    /// <summary>
    /// Ends a job whose orchestration is no more: as cancelled when that was asked for, else as failed. One that has ended stays as it is.
    /// </summary>
    /// <exception cref="ApiException">404.</exception>
    public Task AbandonAsync(string jobId, string reason, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var job = await JobAccess.LockAsync(work, jobId);
                if (!JobTransitions.IsFinal(job.Status))
                {
                    await (job.Status == JobStatus.Cancelling
                        ? MoveAsync(work, job, JobStatus.Cancelled, job.StatusReason ?? reason)
                        : MoveAsync(work, job, JobStatus.Failed, reason));
                }
            },
            cancellationToken);

    /// <summary>
    /// Ends an attempt: nodes that nobody took are gone, nodes that run hold their slots until their runner says that
    /// they stopped (its heartbeat tells it to). Repeating it, or ending an attempt that never began, changes nothing.
    /// </summary>
    /// <exception cref="ApiException">404.</exception>
    public Task EndAttemptAsync(string jobId, int attempt, AttemptStatus status, string? reason, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var job = await JobAccess.LockAsync(work, jobId);
                await EndAttemptAsync(work, job, attempt, status, reason);
            },
            cancellationToken);

    /// <summary>Takes one step of a locked job.</summary>
    public async Task MoveAsync(UnitOfWork work, JobRow job, JobStatus to, string? reason)
    {
        if (job.Status == to)
        {
            return;
        }

        JobTransitions.Require(job.Status, to);
        var final = JobTransitions.IsFinal(to);
        job.Status = to;
        job.StatusReason = reason;
        var now = time.GetUtcNow();
        job.StartedAt ??= to == JobStatus.Running ? now : null;
        await work.ExecuteAsync(
            """
            UPDATE jobs SET status = @status, status_reason = @reason, updated_at = @now, started_at = @started,
                ended_at = CASE WHEN @final THEN @now END, admission_asked_at = CASE WHEN @final THEN NULL ELSE admission_asked_at END
            WHERE id = @id
            """,
            new { id = job.Id, status = to.ToText(), reason, now, started = job.StartedAt, final });
        var runStatus = JobTransitions.RunStatus(to, job.StartedAt is not null);
        await runs.SetStateAsync(work, job.RunId, new JobRunState(runStatus, reason, job.StartedAt, final ? now : null));
        await PublishAsync(work, job);
        await events.PublishAsync(work, $"run:{job.RunId}", "run.status", new { status = runStatus });
        if (final)
        {
            await FinaliseAsync(work, job, to, reason);
        }
    }

    private async Task FinaliseAsync(UnitOfWork work, JobRow job, JobStatus status, string? reason)
    {
        var attemptStatus = status switch
        {
            JobStatus.Succeeded => AttemptStatus.Succeeded,
            JobStatus.Cancelled => AttemptStatus.Cancelled,
            _ => AttemptStatus.Failed,
        };
        await EndAttemptAsync(work, job, job.Attempt, attemptStatus, reason);
        var dependents = await work.QueryAsync<string>(
            """
            SELECT d.job_id FROM job_dependencies d JOIN jobs j ON j.id = d.job_id
            WHERE d.depends_on = @id AND j.status IN ('pending', 'waiting') ORDER BY d.job_id
            """,
            new { id = job.Id });
        foreach (var dependent in dependents)
        {
            await outbox.EnqueueAsync(work, OutboxMessage.Raise(dependent, TrainingJobEvents.Dependency, job.Id));
        }

        await capacity.RaiseAsync(work, job.Pool);
    }

    private async Task EndAttemptAsync(UnitOfWork work, JobRow job, int attempt, AttemptStatus status, string? reason)
    {
        var ended = await work.ExecuteAsync(
            """
            UPDATE job_attempts SET status = @status, reason = @reason, ended_at = @now
            WHERE job_id = @id AND attempt = @attempt AND ended_at IS NULL
            """,
            new { id = job.Id, attempt, status = status.ToText(), reason, now = time.GetUtcNow() });
        if (ended == 0)
        {
            return;
        }

        await work.ExecuteAsync(
            """
            UPDATE job_nodes SET status = 'cancelled', reason = @reason, ended_at = @now
            WHERE job_id = @id AND attempt = @attempt AND ended_at IS NULL AND runner_id IS NULL
            """,
            new { id = job.Id, attempt, reason, now = time.GetUtcNow() });
        await PublishAsync(work, job);
        await capacity.RaiseAsync(work, job.Pool);
    }

    private async Task PublishAsync(UnitOfWork work, JobRow job)
    {
        var change = new JobStatusChange(job.Id, job.Status, job.StatusReason, job.Attempt);
        await events.PublishAsync(work, $"job:{job.Id}", "job.status", change);
        await events.PublishAsync(work, $"project:{job.ProjectId}", "job.status", change);
    }
}
