using AiPlatform.Compute.Runners;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;
using AiPlatform.Ports.Tracking;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Jobs;

/// <summary>
/// Gives a whole gang its place in a pool, or nothing. Admissions of one pool take turns under an advisory lock: two gangs
/// can never hold half of what each of them needs. Served first: higher priority, then the older job.
/// </summary>
internal sealed class JobAdmissions(
    Database database, JobLifecycle lifecycle, CapacitySignal capacity, IOptions<JobOptions> options, IOptions<RunnerOptions> runners, TimeProvider time)
{
    /// <summary>Why a job waits: others, of whoever, are served first.</summary>
    public const string Ahead = "jobsAhead";

    /// <summary>Why a job waits: for a job of its own project.</summary>
    public const string Dependency = "jobDependency";

    private const int MaxAhead = 100;

    /// <summary>Admits an attempt; for one that is admitted already the answer is the same again.</summary>
    /// <exception cref="ApiException">404; 409 when the attempt is not the next one.</exception>
    public Task<JobAdmission> AdmitAsync(string jobId, int attempt, CancellationToken cancellationToken)
        => database.InWorkAsync(work => AdmitAsync(work, jobId, attempt), cancellationToken);

    private async Task<JobAdmission> AdmitAsync(UnitOfWork work, string jobId, int attempt)
    {
        var job = await JobAccess.LockAsync(work, jobId);
        if (job.Status == JobStatus.Cancelling || JobTransitions.IsFinal(job.Status))
        {
            return Refused(job, AdmissionBlock.Ended, Sentences.English("jobIs", job.Status.ToText()));
        }

        var known = await work.FindAsync<JobAttemptRow>("SELECT * FROM job_attempts WHERE job_id = @jobId AND attempt = @attempt", new { jobId, attempt });
        if (known is not null)
        {
            return known.EndedAt is null ? Admitted(job, attempt) : Refused(job, AdmissionBlock.Ended, Sentences.English("attemptNumberEnded", attempt));
        }

        if (attempt != job.Attempt + 1)
        {
            throw ApiException.IllegalTransition("attempt", $"{job.Attempt}", $"{attempt}");
        }

        return await DependencyBlockAsync(work, job) is { } dependency
            ? await WaitAsync(work, job, dependency.Block, dependency.Reason, asksForCapacity: false)
            : await ReserveAsync(work, job, attempt);
    }

    private async Task<JobAdmission> ReserveAsync(UnitOfWork work, JobRow job, int attempt)
    {
        await work.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtext('admission'), hashtext(@pool))", new { pool = job.Pool });
        var pool = await ReadPoolAsync(work, job.Pool);
        if (!GangPacking.Fits(pool.Total, [], Gang(job)))
        {
            // It may fit when more runners come; nobody has to wait behind it until then.
            return await WaitAsync(work, job, AdmissionBlock.Capacity, Sentences.English("noRunners", job.Pool, job.Nodes), asksForCapacity: true);
        }

        // Whose jobs they are, and which, is not for everybody: how many suffices.
        if (await AheadAsync(work, job, pool) is > 0 and var ahead)
        {
            return await WaitAsync(work, job, AdmissionBlock.Capacity, Sentences.English(Ahead, job.Pool, ahead == MaxAhead ? $"{ahead}+" : $"{ahead}"), asksForCapacity: true);
        }

        if (!GangPacking.Fits(pool.Free, pool.Promised, Gang(job)))
        {
            return await WaitAsync(work, job, AdmissionBlock.Capacity, Sentences.English("littleRoom", job.Pool, Room(pool, job), job.Nodes), asksForCapacity: true);
        }

        await InsertAttemptAsync(work, job, attempt);
        job.Attempt = attempt;
        await lifecycle.MoveAsync(work, job, JobStatus.Queued, null);
        // The next in line may fit into what is left.
        await capacity.RaiseAsync(work, job.Pool);
        return Admitted(job, attempt);
    }

    private async Task InsertAttemptAsync(UnitOfWork work, JobRow job, int attempt)
        => await work.ExecuteAsync(
            $"""
            UPDATE jobs SET attempt = @attempt, admission_asked_at = NULL WHERE id = @id;
            INSERT INTO job_attempts (job_id, attempt, status, admitted_at, checkpoint_path)
            VALUES (@id, @attempt, 'queued', @now,
                (SELECT a.path FROM {TrackingRelations.Artifacts} a WHERE a.run_id = @runId AND a.kind = 'checkpoint'
                 ORDER BY a.step DESC NULLS LAST, a.created_at DESC LIMIT 1));
            INSERT INTO job_nodes (job_id, attempt, node, pool, gpus, status)
            SELECT @id, @attempt, node, @pool, @gpus, 'queued' FROM generate_series(0, @nodes - 1) AS node
            """,
            new { id = job.Id, runId = job.RunId, attempt, pool = job.Pool, gpus = job.GpusPerNode, nodes = job.Nodes, now = time.GetUtcNow() });

    private static async Task<(AdmissionBlock Block, string Reason)?> DependencyBlockAsync(UnitOfWork work, JobRow job)
    {
        var open = await work.QueryAsync<DependencyRow>(
            """
            SELECT j.id, j.status FROM job_dependencies d JOIN jobs j ON j.id = d.depends_on
            WHERE d.job_id = @id AND j.status <> 'succeeded' ORDER BY j.id
            """,
            new { id = job.Id });
        var lost = open.Find(dependency => dependency.Status is JobStatus.Failed or JobStatus.Cancelled);
        return lost is not null ? (AdmissionBlock.DependencyFailed, Sentences.English(Dependency, lost.Id, lost.Status.ToText()))
            : open.Count > 0 ? (AdmissionBlock.Dependency, Sentences.English(Dependency, open[0].Id, open[0].Status.ToText()))
            : null;
    }

    private async Task<int> AheadAsync(UnitOfWork work, JobRow job, Pool pool)
    {
        var ahead = await work.QueryAsync<LineRow>(
            """
            SELECT nodes, gpus_per_node FROM jobs
            WHERE pool = @pool AND status IN ('pending', 'waiting', 'retrying') AND admission_asked_at > @since AND (priority, id) < (@priority, @id)
            ORDER BY priority, id LIMIT @MaxAhead
            """,
            new { id = job.Id, pool = job.Pool, priority = job.Priority, since = time.GetUtcNow() - options.Value.PlaceInLine, MaxAhead });
        return ahead.Count(other => GangPacking.Fits(pool.Total, [], Enumerable.Repeat(new Capacity(1, other.GpusPerNode), other.Nodes)));
    }

    // How many of the job's nodes would find a place now.
    private static int Room(Pool pool, JobRow job)
    {
        var (most, none) = (0, job.Nodes);
        while (none - most > 1)
        {
            var half = (most + none) / 2;
            (most, none) = GangPacking.Fits(pool.Free, pool.Promised, Gang(job).Take(half)) ? (half, none) : (most, half);
        }

        return most;
    }

    private async Task<Pool> ReadPoolAsync(UnitOfWork work, string name)
    {
        var rows = await work.QueryAsync<RunnerRow>(
            """
            SELECT r.slots, r.gpus, r.slots - count(n.job_id)::int AS free_slots, r.gpus - coalesce(sum(n.gpus), 0)::int AS free_gpus
            FROM runners r LEFT JOIN job_nodes n ON n.runner_id = r.id AND n.ended_at IS NULL
            WHERE r.pool = @name AND r.status = 'online' AND NOT r.draining AND r.last_heartbeat_at > @since
            GROUP BY r.id ORDER BY r.id
            """,
            new { name, since = time.GetUtcNow() - runners.Value.OfflineAfter });
        var promised = await work.QueryAsync<int>(
            "SELECT gpus FROM job_nodes WHERE pool = @name AND ended_at IS NULL AND runner_id IS NULL", new { name });
        return new Pool(
            [.. rows.Select(row => new Capacity(row.Slots, row.Gpus))],
            [.. rows.Select(row => new Capacity(row.FreeSlots, row.FreeGpus))],
            [.. promised.Select(gpus => new Capacity(1, gpus))]);
    }

    private async Task<JobAdmission> WaitAsync(UnitOfWork work, JobRow job, AdmissionBlock block, string reason, bool asksForCapacity)
    {
        if (job.Status == JobStatus.Pending)
        {
            await lifecycle.MoveAsync(work, job, JobStatus.Waiting, reason);
        }

        await work.ExecuteAsync(
            "UPDATE jobs SET status_reason = @reason, admission_asked_at = CASE WHEN @asks THEN @now END WHERE id = @id",
            new { id = job.Id, reason, asks = asksForCapacity, now = time.GetUtcNow() });
        return Refused(job, block, reason);
    }

    private static IEnumerable<Capacity> Gang(JobRow job) => Enumerable.Repeat(job.NodeNeed, job.Nodes);

    private static JobAdmission Admitted(JobRow job, int attempt)
        => new(true, AdmissionBlock.None, null, Queue(job), [.. Enumerable.Range(0, job.Nodes).Select(node => new NodeMessage(job.Id, attempt, node, job.Nodes))]);

    private static JobAdmission Refused(JobRow job, AdmissionBlock block, string reason) => new(false, block, reason, Queue(job), []);

    private static string Queue(JobRow job) => JobQueues.For(job.Pool, (JobPriority)job.Priority);

    private sealed record Pool(IReadOnlyList<Capacity> Total, IReadOnlyList<Capacity> Free, IReadOnlyList<Capacity> Promised);

    private sealed class DependencyRow
    {
        public required string Id { get; init; }

        public JobStatus Status { get; init; }
    }

    private sealed class LineRow
    {
        public int Nodes { get; init; }

        public int GpusPerNode { get; init; }
    }

    private sealed class RunnerRow
    {
        public int Slots { get; init; }

        public int Gpus { get; init; }

        public int FreeSlots { get; init; }

        public int FreeGpus { get; init; }
    }
}
