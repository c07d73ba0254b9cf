using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Compute.Queues;

/// <summary>Routes of tasks for those who submit them.</summary>
internal static class QueueTaskEndpoints
{
    private const long MaxBulkBytes = 32 * 1024 * 1024;

    /// <summary>Maps the routes below a queue.</summary>
    public static void Map(RouteGroupBuilder queue)
    {
        queue.MapPost("/tasks", SubmitAsync).RequireAction(ComputeActions.WriteTask).WithIdempotency()
            .Describe("submitTask", "Submit a task");
        queue.MapPost("/tasks/bulk", SubmitManyAsync).RequireAction(ComputeActions.WriteTask).WithIdempotency().WithBodyLimit(MaxBulkBytes)
            .Describe("submitTasks", "Submit up to 10,000 tasks in one transaction; they may depend on each other by ref");
        queue.MapGet("/tasks", ListAsync).RequireAction(ComputeActions.ReadTask)
            .Describe("listQueueTasks", "List the tasks of a queue, newest first");
        queue.MapGet("/tasks/{task}", Get).RequireAction(ComputeActions.ReadTask)
            .Describe("getQueueTask", "Get a task of a queue");
    }

    private static async Task<Created<QueueTask>> SubmitAsync(
        Reached<ProjectIdentity> project, string pool, SubmitTaskRequest request, Caller caller, TaskIntake intake, TaskStore store, CancellationToken cancellationToken)
    {
        var submitted = await intake.SubmitAsync(project.Id, pool, request, caller, cancellationToken);
        var row = await store.RequireAsync(submitted.Id, caller, cancellationToken);
        return TypedResults.Created($"/v1/queues/{row.Project}/{pool}/tasks/{row.Id}", row.ToContract());
    }

    private static async Task<Ok<SubmittedTasks>> SubmitManyAsync(
        Reached<ProjectIdentity> project, string pool, SubmitTasksRequest request, Caller caller, TaskIntake intake, CancellationToken cancellationToken)
        => TypedResults.Ok(new SubmittedTasks(await intake.SubmitAsync(project.Id, pool, request.Tasks, caller, cancellationToken)));

    private static async Task<Ok<Page<QueueTask>>> ListAsync(
        Reached<QueueRow> queue, string? status, string? priority, [AsParameters] PageRequest page, TaskStore store,
        CancellationToken cancellationToken)
    {
        var (wanted, important) = (EnumText.Parse<QueueTaskStatus>(status, "status"), EnumText.Parse<JobPriority>(priority, "priority"));
        var rows = await store.ListAsync(queue.Value.Id, wanted, important, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, static row => row.ToContract(), static row => [row.Id]));
    }

    private static Ok<QueueTask> Get(Reached<QueueTaskRow> task)
        => TypedResults.Ok(task.Value.ToContract());
}
