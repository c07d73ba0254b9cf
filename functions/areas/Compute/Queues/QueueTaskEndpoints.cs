using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>Routes of tasks for those who submit them.</summary>
internal static class QueueTaskEndpoints
{
    private const long MaxBulkBytes = 32 * 1024 * 1024;

    /// <summary>Maps the routes below a queue.</summary>
    public static void Map(RouteGroupBuilder queue)
    {
        queue.MapPost("/tasks", SubmitAsync).RequireAction(ComputeActions.WriteTask).WithIdempotency()
            .WithOperationId("submitTask").WithSummary("Submit a task");
        queue.MapPost("/tasks/bulk", SubmitManyAsync).RequireAction(ComputeActions.WriteTask).WithIdempotency().WithBodyLimit(MaxBulkBytes)
            .WithOperationId("submitTasks").WithSummary("Submit up to 10,000 tasks in one transaction; they may depend on each other by ref");
        queue.MapGet("/tasks", ListAsync).RequireAction(ComputeActions.ReadTask)
            .WithOperationId("listQueueTasks").WithSummary("List the tasks of a queue, newest first");
        queue.MapGet("/tasks/{task}", Get).RequireAction(ComputeActions.ReadTask)
            .WithOperationId("getQueueTask").WithSummary("Get a task of a queue");
    }

    private static async Task<Created<QueueTask>> SubmitAsync(
        Reached<ProjectIdentity> project, string pool, SubmitTaskRequest request, Caller caller, TaskSubmission submission, TaskStore store,
        OutgoingAddresses addresses, IOptions<QueueOptions> options, IOptions<JobOptions> jobs, TimeProvider time, CancellationToken cancellationToken)
    {
        QueueEndpoints.RequirePool(pool, jobs.Value);
        var task = TaskSubmissionCheck.CheckOne(request, string.Empty, new Dictionary<string, int>(), options.Value, time.GetUtcNow());
        await addresses.RequireAsync([TaskSubmissionCheck.Address(request.Handler, request.Payload, "payload")], cancellationToken);
        var submitted = (await submission.SubmitAsync(project.Id, pool, caller.UserId, [task], cancellationToken))[0];
        var row = await store.RequireAsync(submitted.Id, caller, cancellationToken);
        return TypedResults.Created($"/v1/queues/{row.Project}/{pool}/tasks/{row.Id}", row.ToContract());
    }

    private static async Task<Ok<SubmittedTasks>> SubmitManyAsync(
        Reached<ProjectIdentity> project, string pool, SubmitTasksRequest request, Caller caller, TaskSubmission submission,
        OutgoingAddresses addresses, IOptions<QueueOptions> options, IOptions<JobOptions> jobs, TimeProvider time, CancellationToken cancellationToken)
    {
        QueueEndpoints.RequirePool(pool, jobs.Value);
        var tasks = TaskSubmissionCheck.CheckAll(request.Tasks, options.Value, time.GetUtcNow());
        await addresses.RequireAsync(request.Tasks.Select(static (task, i) => TaskSubmissionCheck.Address(task.Handler, task.Payload, $"tasks[{i}].payload")), cancellationToken);
        return TypedResults.Ok(new SubmittedTasks(await submission.SubmitAsync(project.Id, pool, caller.UserId, tasks, cancellationToken)));
    }

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
