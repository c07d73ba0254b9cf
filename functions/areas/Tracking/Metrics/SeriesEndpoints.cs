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
    private const int DefaultBuckets = 1_000;
    private const int MaxBuckets = 10_000;
    private const int MaxRuns = 500;
    private const int MaxKeys = 20;
    private const long MaxBucketsInAll = 2_000_000;
    private const int RunsAtOnce = 20;

    /// <summary>Maps the routes.</summary>
    public static void MapSeriesEndpoints(this IEndpointRouteBuilder routes)
    {
        var runs = routes.MapGroup("/v1/runs/{run}/metrics").WithTags("Runs").RequireAction(TrackingActions.ReadRun);
        runs.MapGet("/series", GetAsync)
            .WithOperationId("getMetricSeries").WithSummary("One metric in buckets that keep its extremes, smoothed if asked");
        routes.MapPost("/v1/projects/{project}/metrics/compare", CompareAsync).WithTags("Experiments").RequireAction(TrackingActions.ListRuns)
            .WithOperationId("compareMetrics").WithSummary("Metrics of several runs in buckets, for curves side by side");
    }

    /// <param name="from">Leaves out points before this place on the axis: a step, or seconds.</param>
    private static async Task<Ok<MetricSeries>> GetAsync(
        Reached<RunRow> run, string key, int? buckets, long? fromStep, long? toStep, double? smoothing, string? smoothingKind, string? axis, double? from, double? to,
        MetricReader reader, CancellationToken cancellationToken)
    {
        Check.Length(key, "key", 1, 250);
        Check.Range(buckets ?? DefaultBuckets, "buckets", 1, MaxBuckets);
        var smooth = Smoothing.Of(smoothing, EnumText.Parse<SmoothingKind>(smoothingKind, "smoothingKind"));
        var kind = EnumText.Parse<MetricAxis>(axis, "axis") ?? MetricAxis.Step;
        var query = new CurveQuery(buckets ?? DefaultBuckets, smooth, new StepRange(fromStep ?? long.MinValue, toStep ?? long.MaxValue), from, to);
        var curve = CurveAxis.Of(kind, run.Value);
        var stored = await reader.OpenAsync([run.Id], [key], query.Range(kind), cancellationToken);
        return TypedResults.Ok(new MetricSeries(run.Id, key, stored.TryGetValue((run.Id, key), out var series) ? query.Sample(series, curve) : []));
    }

    private static async Task<Ok<MetricComparison>> CompareAsync(
        Reached<ProjectIdentity> project, CompareMetricsRequest request, RunStore runs, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.That(request.Runs.Count is >= 1 and <= MaxRuns, "runs", "count", 1, MaxRuns);
        Check.That(request.Keys.Count is >= 1 and <= MaxKeys, "keys", "count", 1, MaxKeys);
        var buckets = Check.Range(request.Buckets ?? DefaultBuckets, "buckets", 1, MaxBuckets);
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
