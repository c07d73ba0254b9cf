using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Tracking.Views;

/// <summary>Routes of saved views.</summary>
internal static class ViewEndpoints
{
    private const int MaxColumns = 200;
    private const int MaxColumn = 300;
    private const int MaxFilter = 8_000;
    private const int MaxOrder = 10;
    private const int MaxCharts = 50;
    private const int MaxKeys = 20;
    private const int MaxKey = 250;
    private const int MaxTitle = 200;
    private const int MaxExperiments = 100;

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var views = routes.MapGroup("/v1/projects/{project}/run-views").WithTags("Experiments");
        views.MapPost("/", CreateAsync).RequireAction(TrackingActions.WriteView).WithIdempotency()
            .Describe("createRunView", "Save a view of runs");
        views.MapGet("/", ListAsync).RequireAction(TrackingActions.ReadView)
            .Describe("listRunViews", "List the caller's and the shared views, newest first");
        views.MapGet("/{view}", Get).RequireAction(TrackingActions.ReadView)
            .Describe("getRunView", "Get a view");
        views.MapGet("/{view}/runs", ListRunsAsync).RequireAction(TrackingActions.ReadView)
            .Describe("listRunsOfView", "The runs that a view shows, in its order");
        views.MapPatch("/{view}", UpdateAsync).RequireAction(TrackingActions.WriteView)
            .Describe("updateRunView", "Change a view; honours If-Match").WithIfMatch();
        views.MapDelete("/{view}", DeleteAsync).RequireAction(TrackingActions.DeleteView)
            .Describe("deleteRunView", "Delete a view; honours If-Match").WithIfMatch();
        routes.MapPost("/v1/projects/{project}/runs/search", SearchAsync).WithTags("Experiments").RequireAction(TrackingActions.ReadView)
            .Describe("searchRuns", "Search runs by filter and order, in the grammar of MLflow");
    }

    private static async Task<Created<RunView>> CreateAsync(
        Reached<ProjectIdentity> project, CreateRunViewRequest request, Caller caller, HttpResponse response, ExperimentStore experiments, ViewStore store,
        CancellationToken cancellationToken)
    {
        Check.Length(request.Name, "name", 1, 128);
        Validate(request.Settings);
        var experiment = request.Experiment is null ? null : await experiments.GetAsync(project.Id, request.Experiment, cancellationToken);
        var row = await store.CreateAsync(project.Id, experiment?.Id, request, caller, cancellationToken);
        ETag.Set(response, row.Version);
        return TypedResults.Created($"/v1/projects/{project.Id}/run-views/{row.Id}", row.ToContract());
    }

    private static async Task<Ok<Page<RunView>>> ListAsync(
        Reached<ProjectIdentity> project, string? experiment, [AsParameters] PageRequest page, Caller caller, ExperimentStore experiments, ViewStore store,
        CancellationToken cancellationToken)
    {
        var only = experiment is null ? null : await experiments.GetAsync(project.Id, experiment, cancellationToken);
        var rows = await store.ListAsync(project.Id, only?.Id, caller, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static Ok<RunView> Get(Reached<ViewRow> view, HttpResponse response) => Show(response, view.Value);

    private static async Task<Ok<Page<Run>>> ListRunsAsync(
        Reached<ViewRow> view, [AsParameters] PageRequest page, RunSearch search, CancellationToken cancellationToken)
    {
        var saved = view.Value.ToContract();
        var query = RunSearch.Parse(saved.Settings.Filter, saved.Settings.OrderBy);
        return TypedResults.Ok(await search.SearchAsync(saved.ProjectId, saved.ExperimentId is { } only ? [only] : null, query, page, cancellationToken));
    }

    private static async Task<Ok<Page<Run>>> SearchAsync(
        Reached<ProjectIdentity> project, SearchRunsRequest? request, ExperimentStore experiments, RunSearch search, CancellationToken cancellationToken)
    {
        request ??= new SearchRunsRequest();
        Texts(request.Experiments, "experiments", 1, MaxExperiments, MaxKey);
        Texts(request.OrderBy, "orderBy", 0, MaxOrder, MaxColumn);
        Check.Text(request.Filter, "filter", MaxFilter);
        var query = RunSearch.Parse(request.Filter, request.OrderBy);
        List<string>? only = request.Experiments is null ? null : [];
        foreach (var experiment in request.Experiments ?? [])
        {
            only!.Add((await experiments.GetAsync(project.Id, experiment, cancellationToken)).Id);
        }

        var page = new PageRequest(request.PageSize, request.PageToken);
        return TypedResults.Ok(await search.SearchAsync(project.Id, only?.Distinct(StringComparer.Ordinal).ToArray(), query, page, cancellationToken));
    }

    private static async Task<Ok<RunView>> UpdateAsync(
        Reached<ViewRow> view, UpdateRunViewRequest request, Caller caller, HttpRequest http, HttpResponse response, ViewStore store, CancellationToken cancellationToken)
    {
        if (request.Name is not null)
        {
            Check.Length(request.Name, "name", 1, 128);
        }

        if (request.Settings is not null)
        {
            Validate(request.Settings);
        }

        return Show(response, await store.UpdateAsync(view.Value, request, ETag.Expected(http), caller, cancellationToken));
    }

    private static async Task<NoContent> DeleteAsync(
        Reached<ViewRow> view, Caller caller, HttpRequest http, ViewStore store, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(view.Value, ETag.Expected(http), caller, cancellationToken);
        return TypedResults.NoContent();
    }

    private static Ok<RunView> Show(HttpResponse response, ViewRow row)
    {
        ETag.Set(response, row.Version);
        return TypedResults.Ok(row.ToContract());
    }

    private static void Validate(RunViewSettings settings)
    {
        Texts(settings.Columns, "settings.columns", 0, MaxColumns, MaxColumn);
        Texts(settings.OrderBy, "settings.orderBy", 0, MaxOrder, MaxColumn);
        Check.Text(settings.Filter, "settings.filter", MaxFilter);

        // A view that no search accepts would be found out by whoever opens it.
        _ = RunSearch.Parse(settings.Filter, settings.OrderBy, "settings.");
        Check.That(settings.Charts is null or { Count: <= MaxCharts }, "settings.charts", "count", 0, MaxCharts);
        foreach (var chart in settings.Charts ?? [])
        {
            Texts(chart.Keys, "settings.charts.keys", 1, MaxKeys, MaxKey);
            Check.Text(chart.Title, "settings.charts.title", MaxTitle);
            _ = Smoothing.Of(chart.Smoothing, chart.SmoothingKind);
        }
    }

    private static void Texts(IReadOnlyList<string>? texts, string field, int min, int max, int length)
    {
        Check.That(texts is null || (texts.Count >= min && texts.Count <= max), field, "count", min, max);
        foreach (var text in texts ?? [])
        {
            Check.Length(text, field, 1, length);
        }
    }
}
