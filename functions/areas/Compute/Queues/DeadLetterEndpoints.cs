using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Compute.Queues;

/// <summary>Routes of tasks that failed for good.</summary>
internal static class DeadLetterEndpoints
{
    /// <summary>Maps the routes below a queue.</summary>
    public static void Map(RouteGroupBuilder queue)
    {
        var letters = queue.MapGroup("/dead-letters");
        letters.MapGet("/", ListAsync).RequireAction(ComputeActions.ReadTask)
            .Describe("listDeadLetters", "List dead letters, newest first");
        letters.MapPost("/replay", ReplayAsync).RequireAction(ComputeActions.WriteTask)
            .Describe("replayTasks", "Replay some dead letters, or all");
        letters.MapPut("/{task}", EditAsync).RequireAction(ComputeActions.WriteTask)
            .Describe("editDeadLetter", "Edit a dead letter before its replay");
        letters.MapDelete("/{task}", DiscardAsync).RequireAction(ComputeActions.DeleteTask)
            .Describe("discardDeadLetter", "Give a dead letter up");
    }

    private static async Task<Ok<Page<QueueTask>>> ListAsync(
        Reached<QueueRow> queue, [AsParameters] PageRequest page, TaskStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(queue.Value.Id, QueueTaskStatus.DeadLettered, null, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, static row => row.ToContract(), static row => [row.Id]));
    }

    private static async Task<Ok<ReplayedTasks>> ReplayAsync(
        Reached<QueueRow> queue, ReplayTasksRequest? request, DeadLetters letters, CancellationToken cancellationToken)
    {
        request ??= new ReplayTasksRequest();
        Check.That(request.Tasks is null || request.Tasks.Count is >= 1 and <= DeadLetters.MaxReplay, "tasks", "count", 1, DeadLetters.MaxReplay);
        Check.That(request.Tasks?.All(static id => id is not null && Ids.IsId(id)) ?? true, "tasks", "id");
        return TypedResults.Ok(await letters.ReplayAsync(queue.Value.Id, request.Tasks, request.Dependents, cancellationToken));
    }

    private static async Task<Ok<QueueTask>> EditAsync(
        Reached<QueueTaskRow> task, EditDeadLetterRequest request, TaskIntake intake, DeadLetters letters, CancellationToken cancellationToken)
    {
        TaskSubmissionCheck.CheckRetry(request.Retry, "retry.");
        Check.Range(request.TimeoutSeconds ?? 1, "timeoutSeconds", 1, 86_400);
        var payload = await intake.PayloadAsync(task.Value.Handler, request.Payload, cancellationToken);
        return TypedResults.Ok((await letters.EditAsync(task.Value, payload, request, cancellationToken)).ToContract());
    }

    private static async Task<NoContent> DiscardAsync(
        Reached<QueueTaskRow> task, DeadLetters letters, CancellationToken cancellationToken)
    {
        await letters.DiscardAsync(task.Value, cancellationToken);
        return TypedResults.NoContent();
    }
}
