using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Compute.Queues;

/// <summary>Routes of schedules.</summary>
internal static class ScheduleEndpoints
{
    /// <summary>Maps the routes below a queue.</summary>
    public static void Map(RouteGroupBuilder queue)
    {
        var schedules = queue.MapGroup("/schedules");
        schedules.MapPost("/", CreateAsync).RequireAction(ComputeActions.WriteSchedule).WithIdempotency()
            .Describe("createTaskSchedule", "Submit a task again and again by a cron expression");
        schedules.MapGet("/", ListAsync).RequireAction(ComputeActions.ReadSchedule)
            .Describe("listTaskSchedules", "List the schedules of a queue");
        schedules.MapPost("/{schedule}/pause", PauseAsync).RequireAction(ComputeActions.WriteSchedule)
            .Describe("pauseTaskSchedule", "Pause a schedule");
        schedules.MapPost("/{schedule}/resume", ResumeAsync).RequireAction(ComputeActions.WriteSchedule)
            .Describe("resumeTaskSchedule", "Resume a schedule");
        schedules.MapDelete("/{schedule}", DeleteAsync).RequireAction(ComputeActions.DeleteSchedule)
            .Describe("deleteTaskSchedule", "Delete a schedule");
    }

    private static async Task<Created<TaskSchedule>> CreateAsync(
        Reached<ProjectIdentity> project, string pool, CreateTaskScheduleRequest request, Caller caller, TaskSchedules schedules, TaskIntake intake,
        CancellationToken cancellationToken)
    {
        await intake.RequireAsync(pool, request.Task, "task", cancellationToken);
        var row = await schedules.CreateAsync(project.Id, pool, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/queues/{project.Value.Name}/{pool}/schedules/{row.Id}", row.ToContract());
    }

    private static async Task<Ok<Page<TaskSchedule>>> ListAsync(
        Reached<QueueRow> queue, [AsParameters] PageRequest page, TaskSchedules schedules, CancellationToken cancellationToken)
    {
        var rows = await schedules.ListAsync(queue.Value.Id, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, static row => row.ToContract(), static row => [row.Name]));
    }

    private static Task<Ok<TaskSchedule>> PauseAsync(
        Reached<QueueRow> queue, string schedule, TaskSchedules schedules, CancellationToken cancellationToken)
        => SetPausedAsync(queue, schedule, paused: true, schedules, cancellationToken);

    private static Task<Ok<TaskSchedule>> ResumeAsync(
        Reached<QueueRow> queue, string schedule, TaskSchedules schedules, CancellationToken cancellationToken)
        => SetPausedAsync(queue, schedule, paused: false, schedules, cancellationToken);

    private static async Task<Ok<TaskSchedule>> SetPausedAsync(
        Reached<QueueRow> queue, string schedule, bool paused, TaskSchedules schedules, CancellationToken cancellationToken)
    {
        return TypedResults.Ok((await schedules.SetPausedAsync(queue.Value.Id, schedule, paused, cancellationToken)).ToContract());
    }

    private static async Task<NoContent> DeleteAsync(
        Reached<QueueRow> queue, string schedule, TaskSchedules schedules, CancellationToken cancellationToken)
    {
        await schedules.DeleteAsync(queue.Value.Id, schedule, cancellationToken);
        return TypedResults.NoContent();
    }
}
