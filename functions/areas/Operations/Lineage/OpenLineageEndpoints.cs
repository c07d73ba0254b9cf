using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Ports.Identity;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace AiPlatform.Operations.Lineage;

/// <summary>
/// The OpenLineage API where its clients look for it. Events belong to the project that the path names (<c>/p/{project}/api/v1/lineage</c>),
/// else to the caller's own, as for MLflow clients.
/// </summary>
internal static class OpenLineageEndpoints
{
    private const int MaxBatch = 1_000;
    private const long MaxBytes = 2 * 1024 * 1024;
    private const long MaxBatchBytes = 32 * 1024 * 1024;

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var (prefix, owner) in new[] { (string.Empty, string.Empty), ("/p/{project}", "Project") })
        {
            var lineage = routes.MapGroup(prefix + "/api/v1/lineage").WithTags("OpenLineage").RequireAction(OperationsActions.WriteLineage);
            lineage.MapPost("/", PostAsync).WithBodyLimit(MaxBytes)
                .Describe($"post{owner}LineageEvent", "Take an OpenLineage event about a run, a job or a dataset");
            lineage.MapPost("/batch", PostBatchAsync).WithBodyLimit(MaxBatchBytes)
                .Describe($"post{owner}LineageEvents", "Take up to 1,000 OpenLineage events");
        }

        routes.MapGet("/v1/projects/{project}/lineage-events", ListAsync).WithTags("OpenLineage").RequireAction(OperationsActions.ReadLineage)
            .Describe("listLineageEvents", "List the OpenLineage events that a project received, newest first");
        routes.MapGet("/v1/projects/{project}/lineage-external", FindAsync).WithTags("Lineage").RequireAction(OperationsActions.ReadLineage)
            .Describe("findExternalLineage", "Find datasets, jobs and runs of other tools in a project's graph, by kind, namespace and name");
    }

    /// <example>
    /// {"eventType": "COMPLETE", "eventTime": "2026-03-01T12:00:00Z", "run": {"runId": "0198c7a4-d2f1-7c5e-8a3b-6d9e0f124578"},
    /// "job": {"namespace": "etl", "name": "clean"}, "outputs": [{"namespace": "s3://lake", "name": "digits.csv"}],
    /// "producer": "https://example.org/etl", "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json"}
    /// </example>
    private static async Task<Created> PostAsync(JsonElement body, HttpContext context, Caller caller, IProjectScope scope, OpenLineageStore store)
    {
        var lineage = OpenLineageCheck.Read(body);
        await store.StoreAsync(await ProjectAsync(context, caller, scope), [lineage], context.RequestAborted);
        return TypedResults.Created();
    }

    /// <example>
    /// [{"eventType": "START", "eventTime": "2026-03-01T12:00:00Z", "run": {"runId": "0198c7a4-d2f1-7c5e-8a3b-6d9e0f124578"},
    /// "job": {"namespace": "etl", "name": "clean"}, "producer": "https://example.org/etl",
    /// "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json"}]
    /// </example>
    private static async Task<Results<NoContent, Ok<OpenLineageBatchResult>>> PostBatchAsync(
        JsonElement body, HttpContext context, Caller caller, IProjectScope scope, OpenLineageStore store)
    {
        Check.Kind(body, "events", JsonValueKind.Array);
        Check.That(body.GetArrayLength() is >= 1 and <= MaxBatch, "events", "count", 1, MaxBatch);
        var chinese = ErrorCatalog.PrefersChinese(context.Request);
        var (good, bad) = (new List<OpenLineageEvent>(), new List<OpenLineageFailure>());
        foreach (var (index, item) in body.EnumerateArray().Index())
        {
            try
            {
                good.Add(OpenLineageCheck.Read(item));
            }
            catch (ApiException problem) when (problem.Code == ErrorCodes.InvalidRequest)
            {
                bad.Add(new OpenLineageFailure(
                    index, problem.Field ?? "event", ErrorCatalog.Detail(problem.Code, problem.Arguments, chinese) ?? problem.Code, Retriable: false));
            }
        }

        var project = await ProjectAsync(context, caller, scope);
        if (good.Count > 0)
        {
            await store.StoreAsync(project, good, context.RequestAborted);
        }

        return bad.Count == 0
            ? TypedResults.NoContent()
            : TypedResults.Ok(new OpenLineageBatchResult("partial_success", new OpenLineageBatchSummary(good.Count + bad.Count, good.Count, bad.Count), bad));
    }

    private static async Task<Ok<Page<OpenLineageEventRecord>>> ListAsync(
        Reached<ProjectIdentity> project, [AsParameters] PageRequest page, OpenLineageStore store, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(page.ToPage(await store.ListAsync(project.Id, page.Key(), page.Size, cancellationToken), static row => row.ToContract(), static row => [row.Id]));
    }

    /// <param name="name">Only things of this name.</param>
    private static async Task<Ok<Page<ExternalThing>>> FindAsync(
        Reached<ProjectIdentity> project, string? kind, [FromQuery(Name = "namespace")] string? space, string? name, [AsParameters] PageRequest page, OpenLineageStore store, CancellationToken cancellationToken)
    {
        var rows = await store.FindAsync(project.Id, kind, space, name, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, static row => row.ToContract(), static row => [row.Id]));
    }

    private static ValueTask<string> ProjectAsync(HttpContext context, Caller caller, IProjectScope scope)
    {
        if (context.Request.RouteValues["project"] is string project)
        {
            context.Features.Set(new NamedProject(project));
        }
        else
        {
            Check.That(!caller.IsPlatform, "project", "required");
        }

        return scope.ResolveAsync(context, caller);
    }
}
