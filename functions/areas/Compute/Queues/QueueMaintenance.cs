using System.Data.Common;
using AiPlatform.Contracts.Queues;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;
using AiPlatform.Kernel.Tick;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.Compute.Queues;

/// <summary>
/// Looks for what no event tells: releases that nobody claimed, workers that fell silent, deadlines that passed, tasks that were set
/// aside for a concurrency key while it became free, schedules that are due. Every look is bounded and safe in any number of instances.
/// </summary>
internal sealed class QueueMaintenance(
    Database database, TaskOutcomes outcomes, TaskSchedules schedules, TaskDispatcher dispatcher, StartupState state, IOptions<QueueOptions> options,
    IOptions<DueWorkOptions> pulse, TimeProvider time,
    ILogger<QueueMaintenance> logger) : BackgroundLoop(time, logger), IDueWork, ITickTask
{
    private const int Batch = 1_000;

    // What a look selects by is what it is woken by.
    private const string Silent = "status IN ('queued', 'running') AND lease_until < @now";
    private const string PastDeadline =
        "deadline_at IS NOT NULL AND status IN ('blocked', 'scheduled', 'limited', 'ready', 'queued', 'running') AND deadline_at <= @now AND status <> 'running'";
    private const string Limited = "status = 'limited'";

    private readonly TimeProvider _time = time;
    private readonly HearingTime _hearing = new(time, options.Value.WorkerLease);

    /// <inheritdoc />
    public string DueCondition => $"""
        EXISTS (SELECT 1 FROM queue_tasks WHERE {Silent}) OR EXISTS (SELECT 1 FROM queue_tasks WHERE {PastDeadline})
        OR EXISTS (SELECT 1 FROM queue_tasks WHERE {Limited}) OR EXISTS (SELECT 1 FROM queue_schedules WHERE {TaskSchedules.Due})
        """;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(1);

    /// <inheritdoc />
    public void Looked(bool isDue)
    {
        _hearing.Listen(pulse.Value.Interval);
        if (isDue)
        {
            Wake();
        }
    }

    /// <inheritdoc />
    public void LookFailed() => _hearing.Interrupt();

    /// <summary>Looks at each tick, and forgets what is older than the retention.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await LookAsync(cancellationToken);
        await database.InWorkAsync(SweepAsync, cancellationToken);
    }

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await state.WaitAsync(cancellationToken);
        return await LookAsync(cancellationToken);
    }

    /// <summary>One look; true when there may be more to find at once.</summary>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        int found;
        try
        {
            found = await database.InWorkAsync(LookAsync, cancellationToken);
        }
        catch (DbException exception) when (exception.SqlState is not (PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure))
        {
            _hearing.Interrupt();
            throw;
        }

        if (found > 0)
        {
            dispatcher.Wake();
        }

        return await schedules.SubmitDueAsync(cancellationToken) || found >= Batch;
    }

    private async Task<int> LookAsync(UnitOfWork work)
    {
        var now = _time.GetUtcNow();
        await work.ExecuteAsync(DispatchStore.IndexPlans, new { });
        return await ExpireAsync(work, now) + await PassDeadlinesAsync(work, now) + await FreeLimitedAsync(work);
    }

    // Nobody is silent while nobody listens: after a start or an interruption workers get the time to make themselves heard.
    private async Task<int> ExpireAsync(UnitOfWork work, DateTimeOffset now)
    {
        var rows = await work.QueryAsync<ExpiredRow>(
            $"""
            SELECT t.id, t.fence, t.status, EXISTS (SELECT 1 FROM queue_workers w WHERE w.id = t.worker_id AND w.last_seen_at > @heard) AS worker_lives
            FROM queue_tasks t WHERE {Silent} AND (t.status = 'queued' OR @listened)
            ORDER BY t.lease_until LIMIT @Batch FOR NO KEY UPDATE OF t SKIP LOCKED
            """,
            new { now, Batch, heard = now - options.Value.WorkerLease, listened = _hearing.HasListened });
        var byStatus = rows.ToLookup(static row => row.Status);
        await DispatchStore.ReturnAsync(work, [.. byStatus[QueueTaskStatus.Queued].Select(static row => new TaskMessage(row.Id, row.Fence))]);
        if (byStatus[QueueTaskStatus.Running].Any())
        {
            await outcomes.ApplyAsync(work, [.. byStatus[QueueTaskStatus.Running].Select(static row => new TaskCompletion(
                row.Id, row.Fence, TaskOutcome.Failed, ErrorKind: TaskOutcomes.Lost,
                Error: Sentences.English(row.WorkerLives ? "workerForgot" : "workerSilent")))]);
        }

        return rows.Count;
    }

    private static async Task<int> PassDeadlinesAsync(UnitOfWork work, DateTimeOffset now)
    {
        // A task that runs is stopped by its worker, which knows the deadline.
        var rows = await work.QueryAsync<EndedRow>(
            $"""
            WITH passed AS (
                SELECT id, status FROM queue_tasks
                WHERE {PastDeadline}
                ORDER BY deadline_at LIMIT @Batch FOR NO KEY UPDATE SKIP LOCKED)
            UPDATE queue_tasks t SET status = 'deadLettered', reason = 'deadline', error_kind = 'deadline', ended_at = @now, lease_until = NULL, unsettled = t.has_dependents
            FROM passed WHERE t.id = passed.id
            RETURNING t.id, t.queue_id, t.concurrency_key, CASE WHEN passed.status = 'queued' THEN t.flow_id ELSE 0 END AS flow_id
            """,
            new { now, Batch });
        var released = rows.Where(static row => row.FlowId != 0).ToList();
        await DispatchStore.CountAsync(work, released.CountBy(static row => row.FlowId).Select(static flow => (flow.Key, -flow.Value)));
        await TaskOutcomes.ReleaseKeysAsync(work, released);
        return rows.Count;
    }

    // A task may have been set aside in the moment in which the last holder of its key ended: both saw the other's past.
    private static async Task<int> FreeLimitedAsync(UnitOfWork work)
        => await work.ExecuteAsync(
            $"""
            WITH RECURSIVE keys AS (
                (SELECT queue_id, concurrency_key, concurrency_limit FROM queue_tasks WHERE {Limited} ORDER BY queue_id, concurrency_key, ready_at LIMIT 1)
                UNION ALL
                SELECT n.* FROM keys k CROSS JOIN LATERAL (
                    SELECT t.queue_id, t.concurrency_key, t.concurrency_limit FROM queue_tasks t
                    WHERE t.status = 'limited' AND (t.queue_id, t.concurrency_key) > (k.queue_id, k.concurrency_key)
                    ORDER BY t.queue_id, t.concurrency_key, t.ready_at LIMIT 1) n),
            free AS (
                SELECT k.queue_id, k.concurrency_key, k.concurrency_limit - (SELECT count(*) FROM queue_tasks a
                    WHERE a.queue_id = k.queue_id AND a.concurrency_key = k.concurrency_key AND a.status IN ('queued', 'running')) AS room
                FROM (SELECT * FROM keys LIMIT @Batch) k)
            UPDATE queue_tasks SET status = 'ready' WHERE id IN (
                SELECT c.id FROM free CROSS JOIN LATERAL (
                    SELECT t.id FROM queue_tasks t WHERE t.status = 'limited' AND t.queue_id = free.queue_id AND t.concurrency_key = free.concurrency_key
                    ORDER BY t.ready_at LIMIT greatest(free.room, 0) FOR NO KEY UPDATE SKIP LOCKED) c)
            """,
            new { Batch });

    private async Task SweepAsync(UnitOfWork work)
    {
        var now = _time.GetUtcNow();
        // Ids begin with their time: the oldest are the first of the primary key.
        var before = $"{(now - options.Value.Retention).ToUnixTimeMilliseconds():x12}";
        await work.ExecuteAsync(
            """
            DELETE FROM queue_tasks WHERE id IN (
                SELECT id FROM queue_tasks WHERE id < @before AND status IN ('succeeded', 'cancelled', 'skipped', 'deadLettered') ORDER BY id LIMIT @Batch);
            DELETE FROM queue_workers WHERE last_seen_at < @gone;
            DELETE FROM queue_shares u USING queue_shares p, queue_shares l
            WHERE u.project_id <> '' AND u.user_id <> '' AND p.pool = u.pool AND p.lane = u.lane AND p.project_id = u.project_id AND p.user_id = ''
              AND l.pool = u.pool AND l.lane = u.lane AND l.project_id = '' AND l.user_id = '' AND (u.finish <= p.clock OR p.finish <= l.clock)
            """,
            new { before, Batch, gone = now - TimeSpan.FromHours(1) });
    }

    private sealed class ExpiredRow
    {
        public required string Id { get; init; }

        public int Fence { get; init; }

        public QueueTaskStatus Status { get; init; }

        public bool WorkerLives { get; init; }
    }
}
