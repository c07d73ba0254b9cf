using System.Runtime.InteropServices;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Functions.Features.Experiments.Metrics;

/// <summary>Routes that answer whole series: down-sampled, or side by side.</summary>
internal static class SeriesEndpoints
{
    private const int DefaultBuckets = 1_000;
    private const int MaxBuckets = 10_000;
    private const int MaxRuns = 500;
    private const int MaxKeys = 20;
    private const long MaxBucketsInAll = 2_000_000;
    private const int RunsAtOnce = 20;

    /// <summary>Maps the routes.</summary>
    public static void MapSeriesEndpoints(this IEndpointRouteBuilder routes)
    {
        var runs = routes.MapGroup("/v1/runs/{run}/metrics").WithTags("Runs").RequirePermission(Permission.ReadRun);
        runs.MapGet("/series", GetAsync).WithSummary("One metric in buckets that keep its extremes, smoothed if asked");
        routes.MapPost("/v1/projects/{project}/metrics/compare", CompareAsync).WithTags("Experiments").RequirePermission(Permission.Read)
            .WithSummary("Metrics of several runs in buckets, for curves side by side");
    }

    private static async Task<Ok<MetricSeries>> GetAsync(
        string run, string key, int? buckets, long? fromStep, long? toStep, double? smoothing, string? smoothingKind, string? axis, double? from, double? to,
        Caller caller, RunAccess access, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.Length(key, "key", 1, 250);
        Check.Range(buckets ?? DefaultBuckets, "buckets", 1, MaxBuckets);
        var smooth = Smoothing.Of(smoothing, EnumText.Parse<SmoothingKind>(smoothingKind, "smoothingKind"));
        var kind = EnumText.Parse<MetricAxis>(axis, "axis") ?? MetricAxis.Step;
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var series = await reader.ReadAsync([row.Id], [key], allAttempts: false, cancellationToken);
        var points = series.GetValueOrDefault((row.Id, key)) ?? [];
        points.RemoveAll(point => point.Step < (fromStep ?? long.MinValue) || point.Step > (toStep ?? long.MaxValue));
        var axisOfRun = CurveAxis.Of(kind, row);
        axisOfRun.Prepare(points, from, to);
        return TypedResults.Ok(new MetricSeries(row.Id, key, DownSampling.Of(CollectionsMarshal.AsSpan(points), axisOfRun, buckets ?? DefaultBuckets, smooth)));
    }

    private static async Task<Ok<MetricComparison>> CompareAsync(
        string project, CompareMetricsRequest request, Caller caller, ProjectAccess projects, RunStore runs, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.That(request.Runs.Count is >= 1 and <= MaxRuns, "runs", "count", 1, MaxRuns);
        Check.That(request.Keys.Count is >= 1 and <= MaxKeys, "keys", "count", 1, MaxKeys);
        var buckets = Check.Range(request.Buckets ?? DefaultBuckets, "buckets", 1, MaxBuckets);
        Check.That(request.Runs.Count * request.Keys.Count * (long)buckets <= MaxBucketsInAll, "buckets", "range", 1, MaxBucketsInAll / (request.Runs.Count * request.Keys.Count));
        var smoothing = Smoothing.Of(request.Smoothing, request.SmoothingKind);
        var kind = request.Axis ?? MetricAxis.Step;
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var known = await runs.FilterAsync(projectId, [.. request.Runs.Distinct(StringComparer.Ordinal)], cancellationToken);
        var result = new List<MetricSeries>();
        var alignment = new CurveAlignment(new CurveAxis(kind, 0), buckets);

        // A few runs at a time: what is in memory at once stays bounded.
        foreach (var part in known.Chunk(RunsAtOnce))
        {
            var axes = part.ToDictionary(run => run.Id, run => CurveAxis.Of(kind, run), StringComparer.Ordinal);
            var series = await reader.ReadAsync([.. axes.Keys], [.. request.Keys], allAttempts: false, cancellationToken);
            foreach (var ((run, key), points) in series.OrderBy(pair => pair.Key))
            {
                axes[run].Prepare(points, request.From, request.To);
                if (request.Align)
                {
                    alignment.Add(run, key, CollectionsMarshal.AsSpan(points), axes[run], smoothing);
                }
                else
                {
                    result.Add(new MetricSeries(run, key, DownSampling.Of(CollectionsMarshal.AsSpan(points), axes[run], buckets, smoothing)));
                }
            }
        }

        return TypedResults.Ok(request.Align ? alignment.ToComparison() : new MetricComparison(result));
    }
}
