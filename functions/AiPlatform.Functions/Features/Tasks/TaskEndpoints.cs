using AiPlatform.Contracts;
using AiPlatform.Contracts.Tasks;
using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Functions.Features.Tasks;

/// <summary>Routes of the view over long operations.</summary>
internal static class TaskEndpoints
{
    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddTasks(this IServiceCollection services) => services.AddSingleton<TaskReader>();

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapTaskEndpoints(this IEndpointRouteBuilder routes)
    {
        var tasks = routes.MapGroup("/v1/tasks").WithTags("Tasks");
        tasks.MapGet("/", ListAsync).RequirePermission(Permission.Read).WithSummary("List long operations, newest first");
        tasks.MapGet("/{task}", GetAsync).RequirePermission(Permission.Read).WithSummary("Get a long operation");
        return routes;
    }

    private static async Task<Ok<Page<PlatformTask>>> ListAsync(
        string? project, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, TaskReader reader, CancellationToken cancellationToken)
    {
        var projectId = project is null ? null : await projects.RequireAsync(project, caller, cancellationToken);
        var rows = await reader.ListAsync(projectId, caller, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static async Task<Ok<PlatformTask>> GetAsync(string task, Caller caller, TaskReader reader, CancellationToken cancellationToken)
        => TypedResults.Ok((await reader.GetAsync(task, caller, cancellationToken)).ToContract());
}
