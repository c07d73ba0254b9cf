using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Operations.Tasks;

/// <summary>Routes of the view over long operations.</summary>
internal static class TaskEndpoints
{
    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddTasks(this IServiceCollection services) => services.AddSingleton<TaskReader>().AddSingleton<OrchestrationTasks>().AddSingleton<TaskCancels>();

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapTaskEndpoints(this IEndpointRouteBuilder routes)
    {
        var tasks = routes.MapGroup("/v1/tasks").WithTags("Tasks");
        tasks.MapGet("/", ListAsync).RequireAction(OperationsActions.ReadTask)
            .Describe("listTasks", "List long operations, newest first");
        tasks.MapGet("/{task}", GetAsync).RequireAction(OperationsActions.ReadTask)
            .Describe("getTask", "Get a long operation");
        tasks.MapGet("/{task}/why", WhyAsync).RequireAction(OperationsActions.ReadTask)
            .Describe("explainTaskWait", "Explain, in words and in data, why a task waits");
        tasks.MapGet("/{task}/attempts/{attempt:int}/log", ReadLogAsync).RequireAction(OperationsActions.ReadTask)
            .Describe("readTaskLog", "Read the end of what an attempt of a queue's task has written to standard output and standard error")
            .Produces<Stream>(contentType: "text/plain");
        tasks.MapPost("/{task}/cancel", CancelAsync).RequireAction(OperationsActions.CancelTask)
            .Describe("cancelTask", "Cancel a long operation of any kind, or the whole tree of a queue's task; repeating it is harmless");
        return routes;
    }

    /// <param name="kind"><c>orchestration</c> for orchestrations that nothing else stands for; everything else when absent.</param>
    private static async Task<Ok<Page<PlatformTask>>> ListAsync(
        string? project, string? kind, [AsParameters] PageRequest page, Caller caller, TaskReader reader, OrchestrationTasks orchestrations,
        CancellationToken cancellationToken)
    {
        Check.That(kind is null or TaskKinds.Orchestration, "kind", "wrongType");
        if (kind is not null)
        {
            return TypedResults.Ok(await orchestrations.ListAsync(page, caller, cancellationToken));
        }

        var rows = await reader.ListAsync(project, caller, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, reader.ToContract, static row => [row.Id]));
    }

    private static async Task<Ok<PlatformTask>> GetAsync(
        string task, Caller caller, TaskReader reader, OrchestrationTasks orchestrations, CancellationToken cancellationToken)
        => TypedResults.Ok(await reader.FindAsync(task, caller, cancellationToken) is { } row
            ? reader.ToContract(row)
            : await orchestrations.FindAsync(task, caller, cancellationToken) ?? throw ApiException.NotFound("task", task));

    private static async Task<Ok<CancelledTasks>> CancelAsync(
        string task, CancelTaskRequest? request, Caller caller, TaskCancels cancels, CancellationToken cancellationToken)
    {
        request ??= new CancelTaskRequest();
        Check.Text(request.Reason, "reason", 2_000);
        return TypedResults.Ok(await cancels.CancelAsync(task, request, caller, cancellationToken));
    }

    private static async Task<FileStreamHttpResult> ReadLogAsync(
        string task, int attempt, Caller caller, TaskReader reader, CancellationToken cancellationToken)
    {
        Check.Range(attempt, "attempt", 1, int.MaxValue);
        var row = await RequireAsync(task, caller, reader, cancellationToken);
        return TypedResults.Stream(await reader.KindOf(row).OpenLogAsync(row.ToReference(), attempt, cancellationToken), "text/plain; charset=utf-8");
    }

    private static async Task<Ok<TaskWait>> WhyAsync(
        string task, Caller caller, HttpRequest request, TaskReader reader, CancellationToken cancellationToken)
    {
        var row = await RequireAsync(task, caller, reader, cancellationToken);
        return TypedResults.Ok(await reader.KindOf(row).ExplainAsync(row.ToReference(), ErrorCatalog.PrefersChinese(request), cancellationToken));
    }

    private static async Task<TaskRow> RequireAsync(string task, Caller caller, TaskReader reader, CancellationToken cancellationToken)
        => await reader.FindAsync(task, caller, cancellationToken) ?? throw ApiException.NotFound("task", task);
}
