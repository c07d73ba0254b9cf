using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using AiPlatform.Ports.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Jobs;

/// <summary>Routes of jobs for people.</summary>
internal static class JobEndpoints
{
    /// <summary>Code files, parameters, and JSON's escapes.</summary>
    private const long MaxSubmissionBytes = 8 * 1024 * 1024;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddJobs(this IServiceCollection services)
    {
        services.AddOptions<JobOptions>().BindConfiguration(JobOptions.Section)
            .Validate(options => options is { MaxLogChunkBytes: > 0 and <= 4 * 1024 * 1024, MaxLogReadBytes: > 0, CapacityWakes: > 0 }, "Jobs: limits must be positive.")
            .ValidateOnStart();
        return services.AddSingleton<JobStore>().AddReach<JobRow, JobAccess>().AddReach<JobRank, JobAccess>().AddSingleton<JobLifecycle>().AddSingleton<CapacitySignal>()
            .AddSingleton<JobAdmissions>().AddSingleton<JobClaims>().AddSingleton<JobLogs>().AddSingleton<IOrchestratedKind, OrchestratedJobs>()
            .AddSingleton<ITaskKind, JobTaskKind>().AddGarbage<JobGarbage>()
            .AddSingleton(new OwnedKind("job", "jobs", HasEvents: true, IsInstance: true)).AddSingleton<IJobs, JobReferences>()
            .AddSingleton<JobEventSink>();
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapJobEndpoints(this IEndpointRouteBuilder routes)
    {
        var jobs = routes.MapGroup("/v1/projects/{project}/jobs").WithTags("Jobs");
        jobs.MapPost("/", SubmitAsync).RequireAction(ComputeActions.WriteJob).WithIdempotency().WithBodyLimit(MaxSubmissionBytes)
            .Describe("submitJob", "Submit a training job");
        jobs.MapGet("/", ListAsync).RequireAction(ComputeActions.ListJobs)
            .Describe("listJobs", "List the jobs of a project, newest first");
        var job = routes.MapGroup("/v1/jobs/{job}").WithTags("Jobs");
        job.MapGet("/", GetAsync).RequireAction(ComputeActions.ReadJob)
            .Describe("getJob", "Get a job with its attempts and nodes");
        job.MapPost("/cancel", CancelAsync).RequireAction(ComputeActions.CancelJob)
            .Describe("cancelJob", "Cancel a job; repeating it is harmless");
        JobExecutionEndpoints.Map(job);
        return routes;
    }

    private static async Task<Accepted<JobSubmission>> SubmitAsync(
        Reached<ProjectIdentity> project, SubmitJobRequest request, Caller caller, HttpRequest http, JobStore store, IOptions<JobOptions> options,
        CancellationToken cancellationToken)
    {
        var spec = JobSubmissionCheck.Complete(request, options.Value);
        var row = await store.SubmitAsync(project.Id, request, spec, caller, cancellationToken);
        var uris = ManagementUris.For(http, row.Id);
        return TypedResults.Accepted(
            $"/v1/jobs/{row.Id}", new JobSubmission(row.ToContract([]), uris.StatusQueryGetUri, uris.SendEventPostUri, uris.TerminatePostUri));
    }

    private static async Task<Ok<Page<Job>>> ListAsync(
        Reached<ProjectIdentity> project, string? status, [AsParameters] PageRequest page, JobStore store, CancellationToken cancellationToken)
    {
        var wanted = EnumText.Parse<JobStatus>(status, "status");
        var rows = await store.ListAsync(project.Id, wanted, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(await store.CompleteAsync(rows, cancellationToken), item => item, item => [item.Id]));
    }

    private static async Task<Ok<Job>> GetAsync(Reached<JobRow> job, JobStore store, CancellationToken cancellationToken)
        => TypedResults.Ok((await store.CompleteAsync([job.Value], cancellationToken))[0]);

    private static async Task<Ok<Job>> CancelAsync(
        Reached<JobRow> job, CancelJobRequest? request, Caller caller, JobAccess access, JobStore store, JobLifecycle lifecycle, CancellationToken cancellationToken)
    {
        request ??= new CancelJobRequest();
        Check.Text(request.Reason, "reason", 2_000);
        await lifecycle.CancelAsync(job.Id, request.Reason, cancellationToken);
        return TypedResults.Ok(await ReadAsync(job.Id, caller, access, store, cancellationToken));
    }

    /// <summary>The job as it is now.</summary>
    public static async Task<Job> ReadAsync(string job, Caller caller, JobAccess access, JobStore store, CancellationToken cancellationToken)
        => (await store.CompleteAsync([await access.RequireAsync(job, caller, cancellationToken)], cancellationToken))[0];
}
