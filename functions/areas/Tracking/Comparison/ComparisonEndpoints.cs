using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Runs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Tracking.Comparison;

/// <summary>Route of the table of differences between runs.</summary>
internal static class ComparisonEndpoints
{
    private const int MaxRuns = 500;

    /// <summary>Maps the route.</summary>
    public static void Map(IEndpointRouteBuilder routes)
        => routes.MapPost("/v1/projects/{project}/runs/compare", CompareAsync).WithTags("Experiments").RequireAction(TrackingActions.ListRuns)
            .Describe("compareRuns", "Parameters, tags and metrics of several runs side by side, and where they differ");

    private static async Task<Ok<RunComparison>> CompareAsync(
        Reached<ProjectIdentity> project, CompareRunsRequest request, RunStore runs, RunComparisonReader reader, CancellationToken cancellationToken)
    {
        Check.That(request.Runs.Count is >= 1 and <= MaxRuns, "runs", "count", 1, MaxRuns);
        string[] wanted = [.. request.Runs.Distinct(StringComparer.Ordinal)];
        var known = (await runs.FilterAsync(project.Id, wanted, cancellationToken)).ToDictionary(run => run.Id, StringComparer.Ordinal);
        return TypedResults.Ok(await reader.ReadAsync([.. wanted.Where(known.ContainsKey).Select(id => known[id])], request.OnlyDifferent, cancellationToken));
    }
}
