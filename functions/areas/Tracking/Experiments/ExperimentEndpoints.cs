using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.Comparison;
using AiPlatform.Tracking.Exports;
using AiPlatform.Tracking.LoggedModels;
using AiPlatform.Tracking.Media;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Notes;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;
using AiPlatform.Tracking.Search.Index;
using AiPlatform.Tracking.Views;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Experiments;

/// <summary>Routes of experiments and of the runs in them.</summary>
internal static class ExperimentEndpoints
{
    private const int MaxName = 250;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddExperiments(this IServiceCollection services)
    {
        services.AddOptions<MLflowOptions>().BindConfiguration(MLflowOptions.Section)
            .Validate(static options => options.ArtifactRoot is null || DirectArtifacts.IsRoot(options.ArtifactRoot), "MLflow: ArtifactRoot must be file:///absolute/path or wasbs://container@account/prefix.")
            .ValidateOnStart();
        services.AddOptions<ExperimentOptions>().BindConfiguration(ExperimentOptions.Section)
            .Validate(options => options is { MaxPointsPerBatch: > 0, MaxEntriesPerRequest: > 0, MaxArtifactBytes: > 0 }, "Experiments: limits must be positive.")
            .ValidateOnStart();
        services.TryAddSingleton<UploadVerifier>();
        return services.AddReach<Experiment, ExperimentStore>().AddSingleton<RunStore>().AddReach<RunRow, RunAccess>().AddSingleton<IRunAccess>(static provider => provider.GetRequiredService<RunAccess>())
            .AddSingleton<MetricSummaries>().AddSingleton<IRunMetrics>(static provider => provider.GetRequiredService<MetricSummaries>())
            .AddSingleton<MetricWriter>().AddSingleton<MetricReader>().AddSingleton<ArtifactStore>().AddSingleton<ArtifactUploads>().AddSingleton<IRunArtifacts, RunArtifacts>().AddSingleton<IJobRuns, JobRuns>()
            .AddSingleton<RunIndexes>().AddSingleton<ITickTask>(static provider => provider.GetRequiredService<RunIndexes>())
            .AddGarbage<ArtifactGarbage>()
            .AddSingleton<RunDirectory>().AddSingleton<RunWriter>().AddSingleton<RunEditor>().AddSingleton<ITickTask, RunChangeSweep>().AddSingleton(new OwnedKind("run", "runs", HasEvents: true)).AddSingleton<ModelHistory>()
            .AddSingleton<ExperimentDirectory>().AddSingleton<ExperimentEditor>().AddSingleton<LoggedModelStore>()
            .AddSingleton<ArtifactPlaces>().AddSingleton<ArtifactFiles>().AddSingleton<DirectArtifacts>()
            .AddGarbage<DirectArtifactGarbage>()
            .AddSingleton<PresignedUploads>().AddSingleton<ITickTask>(static provider => provider.GetRequiredService<PresignedUploads>())
            .AddSingleton<AttemptReader>().AddSingleton<RunComparisonReader>().AddSingleton<NoteStore>().AddReach<ViewRow, ViewStore>().AddSingleton<RunSearch>().AddSingleton<MediaStore>().AddSingleton<RunExporter>()
            .AddLoop<MetricFolder>("metric-summaries").AddLoop<MetricCompaction>("metric-compaction");
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapExperimentEndpoints(this IEndpointRouteBuilder routes)
    {
        var experiments = routes.MapGroup("/v1/projects/{project}/experiments").WithTags("Experiments");
        experiments.MapPost("/", CreateAsync).RequireAction(TrackingActions.WriteExperiment).WithIdempotency()
            .Describe("createExperiment", "Create an experiment");
        experiments.MapGet("/", ListAsync).RequireAction(TrackingActions.ReadExperiment)
            .Describe("listExperiments", "List experiments, newest first");
        experiments.MapGet("/{experiment}", Get).RequireAction(TrackingActions.ReadExperiment)
            .Describe("getExperiment", "Get an experiment by id or name");
        experiments.MapDelete("/{experiment}", DeleteAsync).RequireAction(TrackingActions.DeleteExperiment)
            .Describe("deleteExperiment", "Delete an experiment");
        experiments.MapPost("/{experiment}/restore", RestoreAsync).RequireAction(TrackingActions.WriteExperiment)
            .Describe("restoreExperiment", "Restore a deleted experiment by id");
        experiments.MapPost("/{experiment}/runs", CreateRunAsync).RequireAction(TrackingActions.WriteRun).WithIdempotency()
            .Describe("createRun", "Create a run that no job drives");
        experiments.MapGet("/{experiment}/runs", ListRunsAsync).RequireAction(TrackingActions.ListRuns)
            .Describe("listExperimentRuns", "List the runs of an experiment, newest first");
        routes.MapGet("/v1/projects/{project}/runs", ListProjectRunsAsync).WithTags("Experiments").RequireAction(TrackingActions.ListRuns)
            .Describe("listRuns", "List the runs of a project, newest first");
        RunEndpoints.Map(routes.MapGroup("/v1/runs/{run}").WithTags("Runs"));
        routes.MapSeriesEndpoints();
        ComparisonEndpoints.Map(routes);
        NoteEndpoints.Map(routes);
        ViewEndpoints.Map(routes);
        MediaEndpoints.Map(routes);
        ExportEndpoints.Map(routes);
        ArtifactEndpoints.Map(routes.MapGroup("/v1/runs/{run}/artifacts").WithTags("Artifacts"));
        return routes;
    }

    private static async Task<Created<Experiment>> CreateAsync(
        Reached<ProjectIdentity> project, CreateExperimentRequest request, Caller caller, ExperimentStore store, CancellationToken cancellationToken)
    {
        request = request with { Name = Check.Name(request.Name, "name") };
        Check.Text(request.Description, "description", 2_000);
        var experiment = await store.CreateAsync(project.Id, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{experiment.ProjectId}/experiments/{experiment.Id}", experiment);
    }

    private static async Task<Ok<Page<Experiment>>> ListAsync(
        Reached<ProjectIdentity> project, [AsParameters] PageRequest page, ExperimentStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(project.Id, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row, row => [row.Id]));
    }

    private static Ok<Experiment> Get(Reached<Experiment> experiment) => TypedResults.Ok(experiment.Value);

    private static async Task<NoContent> DeleteAsync(
        Reached<ProjectIdentity> project, string experiment, ExperimentStore store, CancellationToken cancellationToken)
    {
        await store.SetDeletedAsync(project.Id, experiment, deleted: true, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Experiment>> RestoreAsync(
        Reached<ProjectIdentity> project, string experiment, ExperimentStore store, CancellationToken cancellationToken)
    {
        await store.SetDeletedAsync(project.Id, experiment, deleted: false, cancellationToken);
        return TypedResults.Ok(await store.GetAsync(project.Id, experiment, cancellationToken));
    }

    private static async Task<Created<Run>> CreateRunAsync(
        Reached<Experiment> experiment, CreateRunRequest? request, Caller caller, RunStore runs,
        IOptions<ExperimentOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        request ??= new CreateRunRequest();
        if (request.Name is not null)
        {
            Check.Length(request.Name, "name", 1, MaxName);
        }

        RunChecks.Params(request.Params, options.Value);
        RunChecks.Tags(request.Tags, options.Value);
        var id = Ids.New(time);
        var run = new NewRun(
            id, experiment.Value.ProjectId, experiment.Value.Id, null, request.Name ?? $"run-{id[^8..]}", RunStatus.Running, caller.UserId, request.Params, request.Tags);
        return TypedResults.Created($"/v1/runs/{id}", await runs.CreateAsync(run, cancellationToken));
    }

    private static async Task<Ok<Page<Run>>> ListRunsAsync(
        Reached<Experiment> experiment, [AsParameters] PageRequest page, RunStore runs, CancellationToken cancellationToken)
        => TypedResults.Ok(await PageOfAsync(experiment.Value.ProjectId, experiment.Value.Id, page, runs, cancellationToken));

    private static async Task<Ok<Page<Run>>> ListProjectRunsAsync(
        Reached<ProjectIdentity> project, [AsParameters] PageRequest page, RunStore runs, CancellationToken cancellationToken)
        => TypedResults.Ok(await PageOfAsync(project.Id, null, page, runs, cancellationToken));

    private static async Task<Page<Run>> PageOfAsync(string projectId, string? experimentId, PageRequest page, RunStore runs, CancellationToken cancellationToken)
    {
        var rows = await runs.ListAsync(projectId, experimentId, page.Key(), page.Size, cancellationToken);
        return page.ToPage(await runs.CompleteAsync(rows, cancellationToken), run => run, run => [run.Id]);
    }
}
