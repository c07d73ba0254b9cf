using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Ports.Identity;
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
        return services.AddSingleton<RunnerStore>().AddSingleton<RunnerWatch>()
            .AddSingleton<ITickTask>(provider => provider.GetRequiredService<RunnerWatch>());
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapRunnerEndpoints(this IEndpointRouteBuilder routes)
    {
        var runners = routes.MapGroup("/v1/runners").WithTags("Runners");
        runners.MapPost("/", RegisterAsync).RequireAction(ComputeActions.ExecuteRunner)
            .WithOperationId("registerRunner").WithSummary("Register a runner, or its new life");
        runners.MapPost("/{runner}/heartbeat", HeartbeatAsync).RequireAction(ComputeActions.ExecuteRunner)
            .WithOperationId("runnerHeartbeat").WithSummary("Give a sign of life and get commands");
        runners.MapGet("/", ListAsync).RequireAction(ComputeActions.ReadRunner)
            .WithOperationId("listRunners").WithSummary("List the runners with their devices");
        runners.MapGet("/{runner}", GetAsync).RequireAction(ComputeActions.ReadRunner)
            .WithOperationId("getRunner").WithSummary("Get a runner with its devices");
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
        string runner, HeartbeatRequest request, RunnerStore store, RunnerWatch watch, IJobTokens tokens, IOptions<RunnerOptions> options, TimeProvider time,
        CancellationToken cancellationToken)
    {
        Check.That(request.Samples.Count <= MaxDevices, "samples", "count", 0, MaxDevices);
        Check.That(request.Nodes.Count <= MaxNodes, "nodes", "count", 0, MaxNodes);
        await store.HeartbeatAsync(runner, request, cancellationToken);
        var nodes = await store.NodesAsync(runner, request.Nodes, cancellationToken);
        var commands = new List<RunnerCommand>();
        var fresh = new List<RefreshedJobToken>();
        foreach (var node in nodes)
        {
            if (!node.IsReported)
            {
                await CloseForgottenAsync(node, runner, watch, time.GetUtcNow() - options.Value.StartPatience, cancellationToken);
            }
            else if (node.StopReason(runner, request.SessionId) is { } reason)
            {
                commands.Add(new RunnerCommand(RunnerCommandKind.Cancel, node.Key, reason));
            }
            else
            {
                var token = tokens.ForJob(node.JobId, node.RunId, node.Attempt);
                fresh.Add(new RefreshedJobToken(node.Key, token.Token, token.ExpiresIn));
            }
        }

        var known = nodes.Select(node => node.Key).ToHashSet();
        commands.AddRange(request.Nodes.Where(node => !known.Contains(node)).Select(node => new RunnerCommand(RunnerCommandKind.Cancel, node, "The node is not known.")));
        return TypedResults.Ok(new HeartbeatResponse(commands, fresh));
    }

    // A claim whose answer never arrived leaves a node that nobody runs: it must not hold its slot for ever.
    private static Task CloseForgottenAsync(RunnerNodeRow node, string runner, RunnerWatch watch, DateTimeOffset patience, CancellationToken cancellationToken)
    {
        if (node.ClaimedAt > patience || node.StartedAt is not null)
        {
            return Task.CompletedTask;
        }

        return node.AttemptEndedAt is not null
            ? watch.ReportAsync(node.Key, JobEventKind.Cancelled, runner, "The attempt ended before the node began.", cancellationToken)
            : watch.ReportAsync(node.Key, JobEventKind.Lost, runner, $"Runner {runner} never began the node.", cancellationToken);
    }

    private static async Task<Ok<Page<Runner>>> ListAsync(string? pool, [AsParameters] PageRequest page, RunnerStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(pool, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, row => row.ToContract(), row => [row.Id]));
    }

    private static async Task<Ok<Runner>> GetAsync(string runner, RunnerStore store, CancellationToken cancellationToken)
        => TypedResults.Ok((await store.GetAsync(runner, cancellationToken)).ToContract());
}
