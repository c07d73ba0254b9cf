using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Runs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Routes that answer whole series: down-sampled, or side by side.</summary>
internal static class SeriesEndpoints
{
    private const int MaxRuns = 500;
    private const int MaxKeys = 20;
    private const long MaxBucketsInAll = 2_000_000;
    private const int RunsAtOnce = 20;

    /// <summary>Maps the routes.</summary>
    public static void MapSeriesEndpoints(this IEndpointRouteBuilder routes)
    {
        var runs = routes.MapGroup("/v1/runs/{run}/metrics").WithTags("Runs").RequireAction(TrackingActions.ReadRun);
        runs.MapGet("/series", GetAsync)
            .Describe("getMetricSeries", "One metric in buckets that keep its extremes, smoothed if asked");
        routes.MapPost("/v1/projects/{project}/metrics/compare", CompareAsync).WithTags("Experiments").RequireAction(TrackingActions.ListRuns)
            .Describe("compareMetrics", "Metrics of several runs in buckets, for curves side by side");
    }

    private static async Task<Ok<MetricSeries>> GetAsync(
        Reached<RunRow> run, [AsParameters] SeriesParameters asked, MetricReader reader, CancellationToken cancellationToken)
    {
        var (key, query, axis) = (asked.RequireKey(), asked.ToQuery(), asked.ToAxis());
        var stored = await reader.OpenAsync([run.Id], [key], query.Range(axis), cancellationToken);
        return TypedResults.Ok(new MetricSeries(
            run.Id, key, stored.TryGetValue((run.Id, key), out var series) ? query.Sample(series, CurveAxis.Of(axis, run.Value)) : []));
    }

    private static async Task<Ok<MetricComparison>> CompareAsync(
        Reached<ProjectIdentity> project, CompareMetricsRequest request, RunStore runs, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.That(request.Runs.Count is >= 1 and <= MaxRuns, "runs", "count", 1, MaxRuns);
        Check.That(request.Keys.Count is >= 1 and <= MaxKeys, "keys", "count", 1, MaxKeys);
        var buckets = SeriesParameters.CheckBuckets(request.Buckets);
        Check.That(request.Runs.Count * request.Keys.Count * (long)buckets <= MaxBucketsInAll, "buckets", "range", 1, MaxBucketsInAll / (request.Runs.Count * request.Keys.Count));
        var smoothing = Smoothing.Of(request.Smoothing, request.SmoothingKind);
        var kind = request.Axis ?? MetricAxis.Step;
        var known = await runs.FilterAsync(project.Id, [.. request.Runs.Distinct(StringComparer.Ordinal)], cancellationToken);
        var query = new CurveQuery(buckets, smoothing, StepRange.All, request.From, request.To);
        var result = new List<MetricSeries>();
        var alignment = new CurveAlignment(new CurveAxis(kind, 0), buckets);

        // A few runs at a time: what is in memory at once stays bounded.
        foreach (var part in known.Chunk(RunsAtOnce))
        {
            var axes = part.ToDictionary(run => run.Id, run => CurveAxis.Of(kind, run), StringComparer.Ordinal);
            var stored = await reader.OpenAsync([.. axes.Keys], [.. request.Keys], query.Range(kind), cancellationToken);
            var series = stored.OrderBy(pair => pair.Key).ToList();
            var points = series.Sum(pair => pair.Value.Count);
            if (request.Align)
            {
                var curves = Processors.Select(series, points, pair => query.SampleOnGrid(pair.Value, axes[pair.Key.Run]));
                foreach (var (pair, curve) in series.Zip(curves))
                {
                    alignment.Add(pair.Key.Run, pair.Key.Key, curve);
                }
            }
            else
            {
                result.AddRange(Processors.Select(series, points, pair => new MetricSeries(pair.Key.Run, pair.Key.Key, query.Sample(pair.Value, axes[pair.Key.Run]))));
            }
        }

        return TypedResults.Ok(request.Align ? alignment.ToComparison() : new MetricComparison(result));
    }
}
