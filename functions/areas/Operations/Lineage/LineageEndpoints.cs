using AiPlatform.Contracts.Lineage;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Ports.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Operations.Lineage;

/// <summary>Routes of the lineage graph.</summary>
internal static class LineageEndpoints
{
    private const int MaxDepth = 100;
    private const int DefaultLimit = 5_000;
    private const int MaxLimit = 20_000;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddLineage(this IServiceCollection services)
    {
        services.AddOptions<LineageOptions>().BindConfiguration(LineageOptions.Section)
            .Validate(
                static options => options is { Namespace.Length: > 0, MaxAttempts: > 0 } && Uri.TryCreate(options.Producer, UriKind.Absolute, out _)
                    && options.DeliveryTimeout > TimeSpan.Zero && options.FirstRetry > TimeSpan.Zero && options.LongestRetry >= options.FirstRetry,
                "Lineage: the namespace must not be empty, the producer an absolute URI, times positive.")
            .ValidateOnStart();
        services.AddSingleton<LineageWriter>().AddSingleton<ILineage>(static provider => provider.GetRequiredService<LineageWriter>())
            .AddSingleton<LineageReader>().AddGarbage<LineageGarbage>().AddSingleton<OpenLineageStore>().AddSingleton<OpenLineageDocument>()
            .AddSingleton<LineageReceivers>().AddSingleton<ITickTask, LineageSweep>();
        services.AddSingleton(static provider => new LineageHttp(new GuardedHttp(provider.GetRequiredService<IOptions<LineageOptions>>().Value.AllowedPrivateHosts)));
        return services.AddDelivery<LineageChannel, LineageDelivery>();
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapLineageEndpoints(this IEndpointRouteBuilder routes)
    {
        var lineage = routes.MapGroup("/v1/lineage/{kind}/{id}").WithTags("Lineage").RequireAction(OperationsActions.ReadLineage);
        lineage.MapGet("/", GetAsync)
            .Describe("getLineage", "What a thing came from and what came from it, to any depth and at any time");
        lineage.MapGet("/impact", ImpactAsync)
            .Describe("getImpact", "What used a thing, directly or through others");
        lineage.MapGet("/root-causes", RootCausesAsync)
            .Describe("getRootCauses", "What went into a thing, directly or through others");
        OpenLineageEndpoints.Map(routes);
        LineageReceiverEndpoints.Map(routes);
        return routes;
    }

    /// <param name="kind">The kind of thing, such as <c>datasetVersion</c> or <c>run</c>.</param>
    /// <param name="id">The thing's id.</param>
    private static async Task<Ok<LineageGraph>> GetAsync(
        string kind, string id, [AsParameters] GraphParameters asked, Caller caller, LineageReader reader, CancellationToken cancellationToken)
        => TypedResults.Ok(await reader.GetAsync(
            kind, id, EnumText.Parse<LineageDirection>(asked.Direction, "direction") ?? LineageDirection.Both, Scope(asked.Depth ?? 1, asked.Limit, asked.At), caller,
            cancellationToken));

    /// <param name="kind">The kind of thing, such as <c>datasetVersion</c> or <c>run</c>.</param>
    /// <param name="id">The thing's id.</param>
    private static async Task<Ok<LineageReach>> ImpactAsync(
        string kind, string id, [AsParameters] ReachParameters asked, Caller caller, LineageReader reader, CancellationToken cancellationToken)
        => TypedResults.Ok(await reader.ReachAsync(kind, id, upstream: false, Kinds(asked.Kinds), Scope(asked.Depth ?? MaxDepth, asked.Limit, asked.At), caller, cancellationToken));

    /// <param name="kind">The kind of thing, such as <c>datasetVersion</c> or <c>run</c>.</param>
    /// <param name="id">The thing's id.</param>
    private static async Task<Ok<LineageReach>> RootCausesAsync(
        string kind, string id, [AsParameters] ReachParameters asked, Caller caller, LineageReader reader, CancellationToken cancellationToken)
        => TypedResults.Ok(await reader.ReachAsync(kind, id, upstream: true, Kinds(asked.Kinds), Scope(asked.Depth ?? MaxDepth, asked.Limit, asked.At), caller, cancellationToken));

    private static LineageScope Scope(int depth, int? limit, string? at)
        => new(Check.Range(depth, "depth", 1, MaxDepth), Check.Range(limit ?? DefaultLimit, "limit", 1, MaxLimit), at is null ? null : OpenLineageCheck.Time(at, "at"));

    private static string[] Kinds(string? kinds) => kinds?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
