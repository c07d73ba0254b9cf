using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>Routes of schedules.</summary>
internal static class ScheduleEndpoints
{
    /// <summary>Maps the routes below a queue.</summary>
    public static void Map(RouteGroupBuilder queue)
    {
        var schedules = queue.MapGroup("/schedules");
        schedules.MapPost("/", CreateAsync).RequirePermission(Permission.Write).WithIdempotency()
            .WithOperationId("createTaskSchedule").WithSummary("Submit a task again and again by a cron expression");
        schedules.MapGet("/", ListAsync).RequirePermission(Permission.Read)
            .WithOperationId("listTaskSchedules").WithSummary("List the schedules of a queue");
        schedules.MapPost("/{schedule}/pause", PauseAsync).RequirePermission(Permission.Write)
            .WithOperationId("pauseTaskSchedule").WithSummary("Pause a schedule");
        schedules.MapPost("/{schedule}/resume", ResumeAsync).RequirePermission(Permission.Write)
            .WithOperationId("resumeTaskSchedule").WithSummary("Resume a schedule");
        schedules.MapDelete("/{schedule}", DeleteAsync).RequirePermission(Permission.Write)
            .WithOperationId("deleteTaskSchedule").WithSummary("Delete a schedule");
    }

    private static async Task<Created<TaskSchedule>> CreateAsync(
        string project, string pool, CreateTaskScheduleRequest request, Caller caller, ProjectAccess projects, TaskSchedules schedules, OutgoingAddresses addresses,
        IOptions<JobOptions> jobs, CancellationToken cancellationToken)
    {
        QueueEndpoints.RequirePool(pool, jobs.Value);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        await addresses.RequireAsync([TaskSubmissionCheck.Address(request.Task.Handler, request.Task.Payload, "task.payload")], cancellationToken);
        var row = await schedules.CreateAsync(projectId, pool, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/queues/{project}/{pool}/schedules/{row.Id}", row.ToContract());
    }

    private static async Task<Ok<Page<TaskSchedule>>> ListAsync(
        string project, string pool, [AsParameters] PageRequest page, Caller caller, QueueStore queues, TaskSchedules schedules, CancellationToken cancellationToken)
    {
        var queue = await queues.RequireAsync(project, pool, caller, cancellationToken);
        var rows = await schedules.ListAsync(queue.Id, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, static row => row.ToContract(), static row => [row.Name]));
    }

    private static Task<Ok<TaskSchedule>> PauseAsync(
        string project, string pool, string schedule, Caller caller, QueueStore queues, TaskSchedules schedules, CancellationToken cancellationToken)
        => SetPausedAsync(project, pool, schedule, paused: true, caller, queues, schedules, cancellationToken);

    private static Task<Ok<TaskSchedule>> ResumeAsync(
        string project, string pool, string schedule, Caller caller, QueueStore queues, TaskSchedules schedules, CancellationToken cancellationToken)
        => SetPausedAsync(project, pool, schedule, paused: false, caller, queues, schedules, cancellationToken);

    private static async Task<Ok<TaskSchedule>> SetPausedAsync(
        string project, string pool, string schedule, bool paused, Caller caller, QueueStore queues, TaskSchedules schedules, CancellationToken cancellationToken)
    {
        var queue = await queues.RequireAsync(project, pool, caller, cancellationToken);
        return TypedResults.Ok((await schedules.SetPausedAsync(queue.Id, schedule, paused, cancellationToken)).ToContract());
    }

    private static async Task<NoContent> DeleteAsync(
        string project, string pool, string schedule, Caller caller, QueueStore queues, TaskSchedules schedules, CancellationToken cancellationToken)
    {
        var queue = await queues.RequireAsync(project, pool, caller, cancellationToken);
        await schedules.DeleteAsync(queue.Id, schedule, cancellationToken);
        return TypedResults.NoContent();
    }
}
