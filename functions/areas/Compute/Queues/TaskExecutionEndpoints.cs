using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>Routes of workers.</summary>
internal static class TaskExecutionEndpoints
{
    private const int MaxGroup = 1_000;
    private const int MaxRunning = 10_000;
    private const long MaxGroupBytes = 80L * 1024 * 1024;

    /// <summary>Maps the routes.</summary>
    public static void Map(RouteGroupBuilder queues)
    {
        queues.MapPost("/claims", ClaimAsync).RequireAction(ComputeActions.ExecuteTask)
            .Describe("claimTasks", "Claim released tasks (workers only)");
        queues.MapPost("/completions", CompleteAsync).RequireAction(ComputeActions.ExecuteTask).WithBodyLimit(MaxGroupBytes).WithRawBody()
            .Describe("completeTasks", "Report how attempts ended (workers only)");
        queues.MapPost("/workers/{worker}/heartbeat", HeartbeatAsync).RequireAction(ComputeActions.ExecuteTask)
            .Describe("taskWorkerHeartbeat", "Give a sign of life and learn what to stop (workers only)");
        queues.MapPut("/executions/{task}/log", WriteLogAsync).RequireAction(ComputeActions.ExecuteTask).WithBodyLimit(TaskLogRule.MaxBytes)
            .Describe("putTaskLog", "Keep the end of an attempt's output, replacing what was kept of it before (workers only)")
            .TakesBody("application/octet-stream");
    }

    private static async Task<Ok<ClaimedTasks>> ClaimAsync(ClaimTasksRequest request, TaskExecutions executions, CancellationToken cancellationToken)
    {
        CheckWorker(request.WorkerId);
        CheckGroup(request.Tasks, MaxGroup);
        return TypedResults.Ok(new ClaimedTasks(await executions.ClaimAsync(request, cancellationToken)));
    }

    private static async Task<Ok<CompletedTasks>> CompleteAsync(
        CompleteTasksRequest request, TaskExecutions executions, CancellationToken cancellationToken)
    {
        CheckWorker(request.WorkerId);
        CheckGroup(request.Tasks, MaxGroup);
        Check.Range(request.Takes, "takes", 0, MaxGroup);
        return TypedResults.Ok(await executions.CompleteAsync(request, cancellationToken));
    }

    private static async Task<Ok<TaskWorkerCommands>> HeartbeatAsync(
        string worker, TaskWorkerHeartbeat request, TaskExecutions executions, IOptions<JobOptions> jobs, CancellationToken cancellationToken)
    {
        CheckWorker(worker);
        QueueEndpoints.RequirePool(request.Pool, jobs.Value);
        Check.Defined(request.Lane, "lane");
        Check.Range(request.Slots, "slots", 0, MaxRunning);
        CheckGroup(request.Running, MaxRunning);
        return TypedResults.Ok(await executions.HeartbeatAsync(worker, request, cancellationToken));
    }

    private static async Task<NoContent> WriteLogAsync(string task, int fence, HttpRequest http, TaskLogs logs, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        await http.Body.CopyToAsync(buffer, cancellationToken);
        await logs.WriteAsync(task, fence, buffer.GetBuffer().AsMemory(0, (int)buffer.Length), cancellationToken);
        return TypedResults.NoContent();
    }

    private static void CheckWorker(string worker) => Check.Length(worker, "workerId", 1, 128);

    private static void CheckGroup<T>(IReadOnlyList<T> items, int max)
    {
        Check.That(items.Count <= max, "tasks", "count", 0, max);
        Check.That(items.All(static item => item is not null), "tasks", "required");
    }
}
