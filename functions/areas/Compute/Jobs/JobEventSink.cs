using System.Text.Json;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Jobs;

/// <summary>Takes in what happened to nodes: from runners through the orchestrations service, and from the watch over runners.</summary>
internal sealed class JobEventSink(
    Database database, JobLifecycle lifecycle, CapacitySignal capacity, IOutbox outbox, TimeProvider time, ILogger<JobEventSink> logger)
{
    private const int MaxReason = 4_000;

    /// <summary>Applies an event and hands it to the job's orchestration, once by event id, in one transaction.</summary>
    public Task ApplyAsync(JobEvent jobEvent, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var job = await JobAccess.FindLockedAsync(work, jobEvent.JobId);
                if (job is null || !await RecordAsync(work, jobEvent))
                {
                    return;
                }

                var changed = jobEvent.Kind == JobEventKind.Started ? await StartAsync(work, job, jobEvent) : await EndAsync(work, job, jobEvent);
                if (changed == 0)
                {
                    // The node ended before, or another runner has it: its orchestration knows more than this event.
                    Logs.EventIgnored(logger, jobEvent.Kind, jobEvent.JobId, jobEvent.Attempt, jobEvent.Node);
                    return;
                }

                await outbox.EnqueueAsync(work, OutboxMessage.Raise(job.Id, TrainingJobEvents.JobEvent, jobEvent));
            },
            cancellationToken);

    private async Task<bool> RecordAsync(UnitOfWork work, JobEvent jobEvent)
        => await work.ExecuteAsync(
            """
            INSERT INTO job_events (event_id, job_id, attempt, node, kind, exit_code, reason, runner_id, at, received_at)
            VALUES (@EventId, @JobId, @Attempt, @Node, @kind, @ExitCode, @reason, @RunnerId, @At, @now)
            ON CONFLICT DO NOTHING
            """,
            new
            {
                jobEvent.EventId,
                jobEvent.JobId,
                jobEvent.Attempt,
                jobEvent.Node,
                kind = jobEvent.Kind.ToText(),
                jobEvent.ExitCode,
                reason = Shorten(jobEvent.Reason),
                jobEvent.RunnerId,
                jobEvent.At,
                now = time.GetUtcNow(),
            }) == 1;

    private async Task<int> StartAsync(UnitOfWork work, JobRow job, JobEvent jobEvent)
    {
        var changed = await work.ExecuteAsync(
            """
            UPDATE job_nodes SET status = 'running', started_at = @At
            WHERE job_id = @JobId AND attempt = @Attempt AND node = @Node AND ended_at IS NULL AND started_at IS NULL
              AND (@RunnerId::text IS NULL OR runner_id = @RunnerId)
            """,
            new { jobEvent.JobId, jobEvent.Attempt, jobEvent.Node, jobEvent.RunnerId, jobEvent.At });
        if (changed > 0)
        {
            await RunAsync(work, job, jobEvent);
        }

        return changed;
    }

    private async Task<int> EndAsync(UnitOfWork work, JobRow job, JobEvent jobEvent)
    {
        var status = jobEvent.Kind switch
        {
            JobEventKind.Finished => AttemptStatus.Succeeded,
            JobEventKind.Failed => AttemptStatus.Failed,
            JobEventKind.Lost => AttemptStatus.Lost,
            JobEventKind.Cancelled => AttemptStatus.Cancelled,
            _ => throw new JsonException($"Unknown kind of job event: {jobEvent.Kind}."),
        };
        var changed = await work.ExecuteAsync(
            """
            UPDATE job_nodes SET status = @status, ended_at = @At, exit_code = @ExitCode, reason = @reason
            WHERE job_id = @JobId AND attempt = @Attempt AND node = @Node AND ended_at IS NULL
              AND (@RunnerId::text IS NULL OR runner_id = @RunnerId)
            """,
            new
            {
                jobEvent.JobId,
                jobEvent.Attempt,
                jobEvent.Node,
                jobEvent.RunnerId,
                jobEvent.At,
                jobEvent.ExitCode,
                status = status.ToText(),
                reason = Shorten(jobEvent.Reason),
            });
        if (changed > 0)
        {
            if (jobEvent.Kind == JobEventKind.Finished)
            {
                // Events of one node may overtake each other: what has finished has run.
                await RunAsync(work, job, jobEvent);
            }

            await capacity.RaiseAsync(work, job.Pool);
        }

        return changed;
    }

    // The run before the attempt: in this order a resume takes its locks, too.
    private async Task RunAsync(UnitOfWork work, JobRow job, JobEvent jobEvent)
    {
        if (job.Attempt == jobEvent.Attempt && job.Status == JobStatus.Queued)
        {
            await lifecycle.MoveAsync(work, job, JobStatus.Running, null);
        }

        await work.ExecuteAsync(
            """
            UPDATE job_attempts SET status = 'running', started_at = coalesce(started_at, @At)
            WHERE job_id = @JobId AND attempt = @Attempt AND status = 'queued'
            """,
            new { jobEvent.JobId, jobEvent.Attempt, jobEvent.At });
    }

    private static string? Shorten(string? reason)
        => reason?.Replace('\0', ' ') is { Length: > MaxReason } text ? text[..MaxReason] : reason?.Replace('\0', ' ');
}
