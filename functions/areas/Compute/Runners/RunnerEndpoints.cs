using AiPlatform.Contracts;
using AiPlatform.Contracts.Runners;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Runners;

/// <summary>Routes of runners.</summary>
internal static class RunnerEndpoints
{
    private const int MaxDevices = 64;
    private const int MaxNodes = 256;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddRunners(this IServiceCollection services)
    {
        services.AddOptions<RunnerOptions>().BindConfiguration(RunnerOptions.Section)
            .Validate(options => options.Heartbeat > TimeSpan.Zero && options.OfflineAfter > options.Heartbeat, "Runners: OfflineAfter must exceed Heartbeat.")
            .ValidateOnStart();
        return services.AddSingleton<RunnerStore>().AddSingleton<RunnerWatch>().AddSingleton<RunnerHeartbeats>()
            .AddSingleton<ITickTask>(provider => provider.GetRequiredService<RunnerWatch>());
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapRunnerEndpoints(this IEndpointRouteBuilder routes)
    {
        var runners = routes.MapGroup("/v1/runners").WithTags("Runners");
        runners.MapPost("/", RegisterAsync).RequireAction(ComputeActions.ExecuteRunner)
            .Describe("registerRunner", "Register a runner, or its new life");
        runners.MapPost("/{runner}/heartbeat", HeartbeatAsync).RequireAction(ComputeActions.ExecuteRunner)
            .Describe("runnerHeartbeat", "Give a sign of life and get commands");
        runners.MapGet("/", ListAsync).RequireAction(ComputeActions.ReadRunner)
            .Describe("listRunners", "List the runners with their devices");
        runners.MapGet("/{runner}", GetAsync).RequireAction(ComputeActions.ReadRunner)
            .Describe("getRunner", "Get a runner with its devices");
        return routes;
    }

    private static async Task<Ok<RunnerRegistration>> RegisterAsync(
        RegisterRunnerRequest request, RunnerStore store, RunnerWatch watch, IOptions<RunnerOptions> options, CancellationToken cancellationToken)
    {
        Check.That(Ids.IsId(request.Id), "id", "id");
        Check.Length(request.SessionId, "sessionId", 1, 64);
        Check.Length(request.Name, "name", 1, 128);
        Check.Slug(request.Pool, "pool");
        Check.Range(request.Slots, "slots", 1, 64);
        Check.Length(request.Host, "host", 1, 255);
        Check.That(request.Devices.Count <= MaxDevices, "devices", "count", 0, MaxDevices);
        var row = await store.RegisterAsync(request, cancellationToken);
        await watch.ReportLostNodesAsync(request.Id, cancellationToken);
        return TypedResults.Ok(new RunnerRegistration(row.ToContract(), options.Value.Heartbeat.TotalSeconds));
    }

    private static async Task<Ok<HeartbeatResponse>> HeartbeatAsync(
        string runner, HeartbeatRequest request, RunnerHeartbeats heartbeats, CancellationToken cancellationToken)
    {
        Check.That(request.Samples.Count <= MaxDevices, "samples", "count", 0, MaxDevices);
        Check.That(request.Nodes.Count <= MaxNodes, "nodes", "count", 0, MaxNodes);
        return TypedResults.Ok(await heartbeats.TakeAsync(runner, request, cancellationToken));
    }

    private static async Task<Ok<Page<Runner>>> ListAsync(string? pool, [AsParameters] PageRequest page, RunnerStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(pool, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static async Task<Ok<Runner>> GetAsync(string runner, RunnerStore store, CancellationToken cancellationToken)
        => TypedResults.Ok((await store.GetAsync(runner, cancellationToken)).ToContract());
}
