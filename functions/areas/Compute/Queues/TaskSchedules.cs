using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.Compute.Queues;

/// <summary>Schedules: stored expressions that submit tasks. An occurrence and its task are one transaction, in whichever instance sees it first.</summary>
internal sealed class TaskSchedules(Database database, TaskSubmission submission, IOptions<QueueOptions> options, TimeProvider time)
{
    /// <summary>Schedules that are due at <c>@now</c>, in SQL.</summary>
    public const string Due = "NOT paused AND next_at <= @now";

    private const int MaxDue = 100;

    /// <summary>Creates a schedule.</summary>
    /// <exception cref="ApiException">400 for a bad expression or task; 409 when the name is taken.</exception>
    public async Task<ScheduleRow> CreateAsync(string projectId, string pool, CreateTaskScheduleRequest request, Caller caller, CancellationToken cancellationToken)
    {
        Check.Name(request.Name, "name");
        var zone = RequireZone(request.TimeZone ?? "UTC");
        var next = CronSchedule.Require(request.Cron, request.Days, time.GetUtcNow(), zone).Next(time.GetUtcNow(), zone);
        CheckTask(request.Task);
        try
        {
            return await database.InWorkAsync(
                async work =>
                {
                    var now = time.GetUtcNow();
                    var queue = await QueueStore.EnsureAsync(work, projectId, pool, now);
                    var count = await work.SingleAsync<int>("SELECT count(*)::int FROM queue_schedules WHERE queue_id = @id", new { id = queue.Id });
                    Check.That(count < options.Value.MaxSchedules, "name", "count", 0, options.Value.MaxSchedules);
                    return await work.SingleAsync<ScheduleRow>(
                        $"""
                        INSERT INTO queue_schedules (id, queue_id, name, cron, days, time_zone, task, overlap, user_id, next_at, created_at)
                        VALUES (@id, @queueId, @name, @cron, @days, @zone, @task::jsonb, @overlap, @userId, @next, @now) RETURNING {ScheduleRow.Columns}
                        """,
                        new
                        {
                            id = Ids.New(time), queueId = queue.Id, name = request.Name, cron = request.Cron, days = request.Days?.ToText(), zone = request.TimeZone ?? "UTC",
                            task = JsonSerializer.Serialize(request.Task, ContractsJson.Strict), overlap = request.Overlap, userId = caller.UserId, next, now,
                        });
                },
                cancellationToken);
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "queue_schedules_queue_id_name_key"))
        {
            throw ApiException.AlreadyExists("schedule", request.Name);
        }
    }

    /// <summary>One more schedule of a queue than asked for, by name.</summary>
    public async Task<IReadOnlyList<ScheduleRow>> ListAsync(long queueId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<ScheduleRow>(new CommandDefinition(
            $"SELECT {ScheduleRow.Columns} FROM queue_schedules WHERE queue_id = @queueId AND name > @after ORDER BY name LIMIT @limit",
            new { queueId, after = after ?? string.Empty, limit = size + 1 }, cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>Pauses or resumes a schedule; a resumed one goes on with its next occurrence.</summary>
    /// <exception cref="ApiException">404.</exception>
    public Task<ScheduleRow> SetPausedAsync(long queueId, string schedule, bool paused, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var row = await FindAsync(work, queueId, schedule);
                return await work.SingleAsync<ScheduleRow>(
                    $"UPDATE queue_schedules SET paused = @paused, next_at = @next WHERE id = @id RETURNING {ScheduleRow.Columns}",
                    new { id = row.Id, paused, next = Next(row) });
            },
            cancellationToken);

    /// <summary>Deletes a schedule; tasks that it submitted stay.</summary>
    /// <exception cref="ApiException">404.</exception>
    public Task DeleteAsync(long queueId, string schedule, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work => await work.ExecuteAsync("DELETE FROM queue_schedules WHERE id = @id", new { id = (await FindAsync(work, queueId, schedule)).Id }),
            cancellationToken);

    /// <summary>Submits the tasks of schedules that are due; true when there may be more.</summary>
    public Task<bool> SubmitDueAsync(CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var due = await work.QueryAsync<ScheduleRow>(
                    $"""
                    SELECT {ScheduleRow.Columns} FROM queue_schedules WHERE {Due}
                    ORDER BY next_at LIMIT @MaxDue FOR NO KEY UPDATE SKIP LOCKED
                    """,
                    new { now = time.GetUtcNow(), MaxDue });
                foreach (var row in due)
                {
                    await SubmitAsync(work, row);
                }

                return due.Count == MaxDue;
            },
            cancellationToken);

    private async Task SubmitAsync(UnitOfWork work, ScheduleRow row)
    {
        string? task = null, error = null;
        try
        {
            var queue = await work.FindAsync<QueueRow>(
                $"SELECT {QueueRow.Columns} FROM {QueueRow.From} WHERE q.id = @id AND p.deleted_at IS NULL", new { id = row.QueueId });
            var request = row.Request with { DeduplicationKey = row.Overlap ? null : $"schedule:{row.Id}", Name = row.Request.Name ?? row.Name };
            var checkedTask = TaskSubmissionCheck.CheckOne(request, string.Empty, new Dictionary<string, int>(), options.Value, time.GetUtcNow());
            task = queue is null ? null : (await submission.SubmitAsync(work, queue.ProjectId, queue.Pool, row.UserId, [checkedTask]))[0].Id;
        }
        catch (ApiException exception)
        {
            // The queue drains, or the package is gone: this occurrence is left out, the next one is tried.
            error = ErrorCatalog.Detail(exception.Code, exception.Arguments, chinese: false) ?? exception.Code;
        }

        await work.ExecuteAsync(
            "UPDATE queue_schedules SET next_at = @next, last_at = @now, last_task_id = coalesce(@task, last_task_id), last_error = @error WHERE id = @id",
            new { id = row.Id, next = Next(row), now = time.GetUtcNow(), task, error });
    }

    private DateTimeOffset? Next(ScheduleRow row) => CronSchedule.Parse(row.Cron, row.Days).Next(time.GetUtcNow(), RequireZone(row.TimeZone));

    private static async Task<ScheduleRow> FindAsync(UnitOfWork work, long queueId, string schedule)
        => await work.FindAsync<ScheduleRow>(
                $"SELECT {ScheduleRow.Columns} FROM queue_schedules WHERE queue_id = @queueId AND (id = @schedule OR name = @schedule)", new { queueId, schedule })
            ?? throw ApiException.NotFound("schedule", schedule);

    private void CheckTask(SubmitTaskRequest task)
    {
        Check.That(
            task is { DependsOn: null, RunAt: null, DelaySeconds: null, Deadline: null, DeduplicationKey: null, ParentId: null, Ref: null }, "task", "excludes", "cron");
        TaskSubmissionCheck.CheckOne(task, "task.", new Dictionary<string, int>(), options.Value, time.GetUtcNow());
    }

    private static TimeZoneInfo RequireZone(string name)
        => !string.IsNullOrWhiteSpace(name) && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : throw ApiException.Invalid("timeZone", "timeZone", name);
}

/// <summary>A row of <c>queue_schedules</c>.</summary>
internal sealed class ScheduleRow
{
    public const string Columns =
        "id, queue_id, name, cron, days, time_zone, task::text AS task, overlap, paused, user_id, next_at, last_at, last_task_id, last_error, created_at";

    public required string Id { get; init; }

    public long QueueId { get; init; }

    public required string Name { get; init; }

    public required string Cron { get; init; }

    public CronDays? Days { get; init; }

    public required string TimeZone { get; init; }

    public required string Task { get; init; }

    public bool Overlap { get; init; }

    public bool Paused { get; init; }

    public required string UserId { get; init; }

    public DateTimeOffset? NextAt { get; init; }

    public DateTimeOffset? LastAt { get; init; }

    public string? LastTaskId { get; init; }

    public string? LastError { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public SubmitTaskRequest Request => JsonSerializer.Deserialize<SubmitTaskRequest>(Task, ContractsJson.Tolerant)!;

    public TaskSchedule ToContract() => new(Id, Name, Cron, TimeZone, Request, Overlap, Paused, NextAt, LastAt, LastTaskId, LastError, CreatedAt, Days);
}
