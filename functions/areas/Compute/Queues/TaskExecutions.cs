using System.Text.Json;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.Compute.Queues;

/// <summary>
/// What workers do: claim released tasks, hold them by heartbeats, report how attempts ended. Everything comes in groups and is one
/// transaction. A claim and a report carry the fence of the release; what belongs to an earlier one changes nothing.
/// </summary>
internal sealed class TaskExecutions(
    Database database, TaskOutcomes outcomes, DependencySettler settler, DispatchRound round, TaskDispatcher dispatcher, IOptions<QueueOptions> options,
    TimeProvider time)
{
    private const string Assigned = "RETURNING t.id, t.fence, q.project_id, t.handler, t.payload::text AS payload, t.attempt, t.timeout_seconds, t.deadline_at";

    /// <summary>Grants the tasks that are still to be had. Repeating a claim gives the same answer.</summary>
    public Task<IReadOnlyList<TaskAssignment>> ClaimAsync(ClaimTasksRequest request, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await work.ExecuteAsync(DispatchStore.IndexPlans, new { });
                return await GrantAsync(work, request.WorkerId, request.Tasks);
            },
            cancellationToken);

    /// <summary>
    /// Takes ends of attempts in. What waited for them goes on at the same worker when its turn has come, without the way over the broker:
    /// the decision is that of a round, in the same transaction.
    /// </summary>
    public async Task<CompletedTasks> CompleteAsync(CompleteTasksRequest request, CancellationToken cancellationToken)
    {
        // What is no id is nobody's attempt, like a fence that is over.
        IReadOnlyList<TaskCompletion> completions = [.. request.Tasks.Where(static task => Ids.IsId(task.TaskId)).Select(outcomes.Storable)];
        var ends = await ApplyAsync(request.WorkerId, Math.Min(request.Takes, completions.Count), completions, cancellationToken);
        if (ends.Dispatch)
        {
            dispatcher.Wake();
        }

        return new CompletedTasks(
            ends.Accepted,
            request.Takes > 0 && ends.Accepted < request.Tasks.Count ? await database.InWorkAsync(work => RunningAsync(work, request.WorkerId), cancellationToken) : ends.Next);
    }

    // One transaction for all. Should the database refuse a value that the check let through, each attempt is judged alone.
    private async Task<Ends> ApplyAsync(string worker, int takes, IReadOnlyList<TaskCompletion> completions, CancellationToken cancellationToken)
    {
        try
        {
            return await database.InWorkAsync(work => EndAsync(work, worker, takes, completions), cancellationToken);
        }
        catch (PostgresException exception) when (IsAboutData(exception) && completions.Count > 1)
        {
            var all = new Ends(0, [], false);
            foreach (var completion in completions)
            {
                var one = await ApplyAsync(worker, Math.Min(takes, 1), [completion], cancellationToken);
                all = new Ends(all.Accepted + one.Accepted, [.. all.Next, .. one.Next], all.Dispatch || one.Dispatch);
            }

            return all;
        }
        catch (PostgresException exception) when (IsAboutData(exception) && completions[0].Outcome == TaskOutcome.Succeeded)
        {
            var failed = completions[0] with
            {
                Outcome = TaskOutcome.Failed,
                Result = null,
                ErrorKind = "result.refused",
                Error = $"The result cannot be stored: {exception.MessageText}",
            };
            return await database.InWorkAsync(work => EndAsync(work, worker, takes, [outcomes.Storable(failed)]), cancellationToken);
        }
    }

    private async Task<Ends> EndAsync(UnitOfWork work, string worker, int takes, IReadOnlyList<TaskCompletion> completions)
    {
        if (takes == 0)
        {
            await work.ExecuteAsync(DispatchStore.IndexPlans, new { });
        }

        var serves = takes > 0 ? await DispatchStore.LockForDependentsAsync(work, worker, [.. completions.Select(static completion => completion.TaskId)]) : null;
        if (serves is null)
        {
            var accepted = await outcomes.ApplyAsync(work, completions);
            return new Ends(accepted, [], accepted > 0);
        }

        var ended = await outcomes.TakeInAsync(work, completions);
        await settler.SettleAsync(work, ended.ConvertAll(static row => row.Id));
        var result = await round.RunAsync(
            work, ended.CountBy(static row => row.FlowId).ToDictionary(), new TakingWorker(serves.Pool, serves.Lane, Math.Min(takes, ended.Count)));
        var next = result.Released.Count == 0 ? [] : await GrantAsync(work, worker, [.. result.Released.Select(static task => task.Message)]);

        // A repeat has its own time, which the dispatcher has to learn.
        return new Ends(ended.Count, next, result.More || result.Unsettled || completions.Any(static completion => completion.Outcome != TaskOutcome.Succeeded));
    }

    private async Task<IReadOnlyList<TaskAssignment>> GrantAsync(UnitOfWork work, string worker, IReadOnlyList<TaskMessage> tasks)
    {
        var now = time.GetUtcNow();
        var rows = await work.QueryAsync<AssignmentRow>(
            $"""
            UPDATE queue_tasks t SET status = 'running', worker_id = @worker, lease_until = @lease, progress = NULL,
                attempt = t.attempt + (CASE WHEN t.status = 'queued' THEN 1 ELSE 0 END),
                started_at = CASE WHEN t.status = 'queued' THEN @now ELSE t.started_at END
            FROM unnest(@ids, @fences) AS u (id, fence), queues q
            WHERE t.id = u.id AND t.fence = u.fence AND q.id = t.queue_id
              AND (t.status = 'queued' OR (t.status = 'running' AND t.worker_id = @worker))
            {Assigned}
            """,
            new
            {
                worker,
                ids = tasks.Select(static task => task.TaskId).ToArray(),
                fences = tasks.Select(static task => task.Fence).ToArray(),
                now,
                lease = now + options.Value.WorkerLease,
            });
        return rows.ConvertAll(row => row.ToAssignment(now));
    }

    // A worker that repeats its report may not have got the answer to the first: it gets all that counts as running there.
    private async Task<IReadOnlyList<TaskAssignment>> RunningAsync(UnitOfWork work, string worker)
    {
        var now = time.GetUtcNow();
        var rows = await work.QueryAsync<AssignmentRow>(
            $"""
            UPDATE queue_tasks t SET lease_until = @lease FROM queues q
            WHERE t.status = 'running' AND t.worker_id = @worker AND q.id = t.queue_id
            {Assigned}
            """,
            new { worker, lease = now + options.Value.WorkerLease });
        return rows.ConvertAll(row => row.ToAssignment(now));
    }

    // Class 22: data exceptions. 54: a limit of the program is exceeded, such as the depth of nesting.
    private static bool IsAboutData(PostgresException exception)
        => exception.SqlState.StartsWith("22", StringComparison.Ordinal) || exception.SqlState.StartsWith("54", StringComparison.Ordinal);

    /// <summary>Notes that a worker lives, extends its hold on what it runs, and says what it has to stop.</summary>
    public async Task<TaskWorkerCommands> HeartbeatAsync(string workerId, TaskWorkerHeartbeat heartbeat, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var (stop, grown) = await database.InWorkAsync(
            async work =>
            {
                var grown = await work.ExecuteAsync(
                    """
                    INSERT INTO queue_workers AS w (id, pool, lane, slots, last_seen_at) VALUES (@workerId, @pool, @lane, @slots, @now)
                    ON CONFLICT (id) DO UPDATE SET pool = @pool, lane = @lane, slots = @slots, last_seen_at = @now
                    WHERE w.slots < @slots OR w.last_seen_at < @since
                    """,
                    new { workerId, pool = heartbeat.Pool, lane = heartbeat.Lane.ToText(), slots = heartbeat.Slots, now, since = now - options.Value.WorkerLease });
                if (grown == 0)
                {
                    await work.ExecuteAsync(
                        "UPDATE queue_workers SET pool = @pool, lane = @lane, slots = @slots, last_seen_at = @now WHERE id = @workerId",
                        new { workerId, pool = heartbeat.Pool, lane = heartbeat.Lane.ToText(), slots = heartbeat.Slots, now });
                }

                return (await HoldAsync(work, workerId, heartbeat.Running, now), grown > 0);
            },
            cancellationToken);
        if (grown)
        {
            dispatcher.Wake();
        }

        return new TaskWorkerCommands(stop, options.Value.HeartbeatInterval.TotalSeconds);
    }

    private async Task<List<string>> HoldAsync(UnitOfWork work, string workerId, IReadOnlyList<RunningTask> running, DateTimeOffset now)
    {
        if (running.Count == 0)
        {
            return [];
        }

        var held = await work.QueryAsync<HeldRow>(
            """
            UPDATE queue_tasks t SET lease_until = @lease, progress = coalesce(u.progress, t.progress)
            FROM unnest(@ids, @fences, @progress) AS u (id, fence, progress)
            WHERE t.id = u.id AND t.fence = u.fence AND t.status = 'running' AND t.worker_id = @workerId
            RETURNING t.id, t.cancel_requested
            """,
            new
            {
                workerId,
                lease = now + options.Value.WorkerLease,
                ids = running.Select(static task => task.TaskId).ToArray(),
                fences = running.Select(static task => task.Fence).ToArray(),
                progress = running.Select(static task => task.Progress is { } value ? Math.Clamp(value, 0, 1) : (double?)null).ToArray(),
            });
        var keep = held.Where(static row => !row.CancelRequested).Select(static row => row.Id).ToHashSet(StringComparer.Ordinal);
        return [.. running.Select(static task => task.TaskId).Where(id => !keep.Contains(id))];
    }

    // What a report changed. Dispatch: there is more to release than the worker takes along.
    private sealed record Ends(int Accepted, IReadOnlyList<TaskAssignment> Next, bool Dispatch);

    private sealed class HeldRow
    {
        public required string Id { get; init; }

        public bool CancelRequested { get; init; }
    }

    private sealed class AssignmentRow
    {
        public required string Id { get; init; }

        public int Fence { get; init; }

        public required string ProjectId { get; init; }

        public required string Handler { get; init; }

        public string? Payload { get; init; }

        public int Attempt { get; init; }

        public int TimeoutSeconds { get; init; }

        public DateTimeOffset? DeadlineAt { get; init; }

        public TaskAssignment ToAssignment(DateTimeOffset now) => new(
            Id, Fence, ProjectId, Handler, Payload is null ? null : JsonElement.Parse(Payload), Attempt,
            DeadlineAt is { } deadline ? Math.Clamp((deadline - now).TotalSeconds, 0.001, TimeoutSeconds) : TimeoutSeconds);
    }
}
