using AiPlatform.Contracts;
using AiPlatform.Contracts.Garbage;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Operations.Garbage;

/// <summary>Routes of garbage collection, for administrators.</summary>
internal static class GarbageEndpoints
{
    private const long MaxAge = 100L * 365 * 24 * 3_600;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddGarbage(this IServiceCollection services)
    {
        services.AddOptions<GarbageOptions>().BindConfiguration(GarbageOptions.Section)
            .Validate(static options => options is { MaxBlobsPerRound: > 0 } && options.Retention >= TimeSpan.Zero && options.Grace >= TimeSpan.Zero, "Garbage: numbers must be positive.")
            .ValidateOnStart();
        services.AddSingleton<GarbageQueue>().AddSingleton<GarbageCollector>().AddSingleton<GarbageReports>();
        return services.AddSingleton<ITickTask>(static provider => provider.GetRequiredService<GarbageCollector>());
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapGarbageEndpoints(this IEndpointRouteBuilder routes)
    {
        var garbage = routes.MapGroup("/v1/garbage").WithTags("Garbage").RequireAction(OperationsActions.AdministerGarbage);
        garbage.MapGet("/", StatusAsync)
            .Describe("getGarbageStatus", "What waits for garbage collection");
        garbage.MapGet("/reports", ListAsync)
            .Describe("listGarbageReports", "List what rounds of garbage collection did, newest first");
        garbage.MapPost("/collect", CollectAsync)
            .Describe("collectGarbage", "Do a round of garbage collection now");
        return routes;
    }

    private static async Task<Ok<GarbageStatus>> StatusAsync(GarbageReports reports, IOptions<GarbageOptions> options, CancellationToken cancellationToken)
        => TypedResults.Ok(await reports.StatusAsync(options.Value.Retention, cancellationToken));

    private static async Task<Ok<Page<GarbageReport>>> ListAsync([AsParameters] PageRequest page, GarbageReports reports, CancellationToken cancellationToken)
        => TypedResults.Ok(page.ToPage(await reports.ListAsync(page.Key(), page.Size, cancellationToken), static report => report, static report => [report.Id]));

    private static async Task<Ok<GarbageReport>> CollectAsync(
        CollectGarbageRequest? request, GarbageCollector collector, GarbageReports reports, IOptions<GarbageOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        request ??= new CollectGarbageRequest();
        var age = Check.Range(request.OlderThanSeconds ?? (long)options.Value.Retention.TotalSeconds, "olderThanSeconds", 0, MaxAge);
        var started = time.GetUtcNow();
        var id = await collector.CollectAsync(TimeSpan.FromSeconds(age), withGrace: !request.Now, cancellationToken);
        return TypedResults.Ok(await reports.FindAsync(id, cancellationToken)
            ?? new GarbageReport(id, started, time.GetUtcNow(), new Dictionary<string, long>(StringComparer.Ordinal), 0, 0, 0, 0, 0));
    }
}
