using AiPlatform.Contracts;
using AiPlatform.Contracts.Projects;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Identity.Projects;

/// <summary><c>/v1/projects</c>.</summary>
internal static class ProjectEndpoints
{
    private const int MaxDescription = 2000;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddProjects(this IServiceCollection services) => services.AddSingleton<ProjectStore>().AddSingleton<IProjectScope, ProjectScope>().AddGarbage<ProjectGarbage>();

    /// <summary>Maps the routes.</summary>
    public static void MapProjectEndpoints(this IEndpointRouteBuilder routes)
    {
        var projects = routes.MapGroup("/v1/projects").WithTags("Projects");
        projects.MapPost("/", CreateAsync).RequireAction(IdentityActions.WriteProject).WithIdempotency()
            .Describe("createProject", "Create a project");
        projects.MapGet("/", ListAsync).RequireAction(IdentityActions.ReadProject)
            .Describe("listProjects", "List the caller's projects, newest first");
        projects.MapGet("/{project}", GetAsync).RequireAction(IdentityActions.ReadProject)
            .Describe("getProject", "Get a project by id or name");
        projects.MapPatch("/{project}", UpdateAsync).RequireAction(IdentityActions.WriteProject)
            .Describe("updateProject", "Change a project; honours If-Match").WithIfMatch();
        projects.MapDelete("/{project}", DeleteAsync).RequireAction(IdentityActions.DeleteProject)
            .Describe("deleteProject", "Delete a project; honours If-Match").WithIfMatch();
        projects.MapPost("/{project}/restore", RestoreAsync).RequireAction(IdentityActions.WriteProject)
            .Describe("restoreProject", "Restore a deleted project by id");
    }

    private static async Task<Created<Project>> CreateAsync(
        CreateProjectRequest request, Caller caller, HttpResponse response, ProjectStore store, CancellationToken cancellationToken)
    {
        // A service owns nothing: projects belong to people.
        if (caller.Role == CallerRole.Service)
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }

        var row = await store.CreateAsync(
            Check.Slug(request.Name, "name"), Check.Text(request.Description, "description", MaxDescription), caller.UserId, cancellationToken);
        ETag.Set(response, row.Version);
        return TypedResults.Created($"/v1/projects/{row.Id}", row.ToProject());
    }

    private static async Task<Ok<Page<Project>>> ListAsync(
        [AsParameters] PageRequest page, Caller caller, ProjectStore store, CancellationToken cancellationToken)
        => TypedResults.Ok(page.ToPage(
            await store.ListAsync(caller, page.Key(), page.Size + 1, cancellationToken), static row => row.ToProject(), static row => [row.Id]));

    private static async Task<Ok<Project>> GetAsync(
        string project, Caller caller, HttpResponse response, ProjectStore store, CancellationToken cancellationToken)
    {
        var row = await store.FindAsync(project, caller, cancellationToken) ?? throw ApiException.NotFound("project", project);
        ETag.Set(response, row.Version);
        return TypedResults.Ok(row.ToProject());
    }

    private static async Task<Ok<Project>> UpdateAsync(
        string project, UpdateProjectRequest request, Caller caller, HttpRequest http, HttpResponse response, ProjectStore store, CancellationToken cancellationToken)
    {
        var row = await store.UpdateAsync(
            project,
            caller,
            request.Name is null ? null : Check.Slug(request.Name, "name"),
            Check.Text(request.Description, "description", MaxDescription),
            ETag.Expected(http),
            cancellationToken);
        ETag.Set(response, row.Version);
        return TypedResults.Ok(row.ToProject());
    }

    private static async Task<NoContent> DeleteAsync(
        string project, Caller caller, HttpRequest http, ProjectStore store, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(project, caller, ETag.Expected(http), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Project>> RestoreAsync(
        string project, Caller caller, HttpResponse response, ProjectStore store, CancellationToken cancellationToken)
    {
        var row = await store.RestoreAsync(project, caller, cancellationToken);
        ETag.Set(response, row.Version);
        return TypedResults.Ok(row.ToProject());
    }
}
