using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Functions.Features.Experiments.Metrics;

/// <summary>Routes that answer whole series: down-sampled, side by side, or as a file.</summary>
internal static class SeriesEndpoints
{
    private const int DefaultBuckets = 1_000;
    private const int MaxBuckets = 10_000;
    private const int MaxRuns = 500;
    private const int MaxKeys = 20;
    private const int RunsAtOnce = 20;

    /// <summary>Maps the routes.</summary>
    public static void MapSeriesEndpoints(this IEndpointRouteBuilder routes)
    {
        var runs = routes.MapGroup("/v1/runs/{run}/metrics").WithTags("Runs").RequirePermission(Permission.ReadRun);
        runs.MapGet("/series", GetAsync).WithSummary("One metric in buckets that keep its extremes, smoothed if asked");
        runs.MapGet("/export", ExportAsync).WithLongRequests().WithSummary("All points of one metric as CSV");
        routes.MapPost("/v1/projects/{project}/metrics/compare", CompareAsync).WithTags("Experiments").RequirePermission(Permission.Read)
            .WithSummary("Metrics of several runs in buckets, for curves side by side");
    }

    private static async Task<Ok<MetricSeries>> GetAsync(
        string run, string key, int? buckets, long? fromStep, long? toStep, double? smoothing, Caller caller, RunAccess access, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.Length(key, "key", 1, 250);
        Check.Range(buckets ?? DefaultBuckets, "buckets", 1, MaxBuckets);
        CheckSmoothing(smoothing);
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var series = await reader.ReadAsync([row.Id], [key], allAttempts: false, cancellationToken);
        var points = series.GetValueOrDefault((row.Id, key)) ?? [];
        points.RemoveAll(point => point.Step < (fromStep ?? long.MinValue) || point.Step > (toStep ?? long.MaxValue));
        return TypedResults.Ok(new MetricSeries(row.Id, key, DownSampling.Of(CollectionsMarshal.AsSpan(points), buckets ?? DefaultBuckets, smoothing)));
    }

    private static async Task<Ok<MetricComparison>> CompareAsync(
        string project, CompareMetricsRequest request, Caller caller, ProjectAccess projects, RunStore runs, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.That(request.Runs.Count is >= 1 and <= MaxRuns, "runs", "count", 1, MaxRuns);
        Check.That(request.Keys.Count is >= 1 and <= MaxKeys, "keys", "count", 1, MaxKeys);
        Check.Range(request.Buckets ?? DefaultBuckets, "buckets", 1, MaxBuckets);
        CheckSmoothing(request.Smoothing);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var known = await runs.FilterAsync(projectId, [.. request.Runs.Distinct(StringComparer.Ordinal)], cancellationToken);
        var result = new List<MetricSeries>();

        // A few runs at a time: what is in memory at once stays bounded.
        foreach (var part in known.Chunk(RunsAtOnce))
        {
            var series = await reader.ReadAsync(part, [.. request.Keys], allAttempts: false, cancellationToken);
            result.AddRange(series.OrderBy(pair => pair.Key).Select(pair => new MetricSeries(
                pair.Key.Run, pair.Key.Key, DownSampling.Of(CollectionsMarshal.AsSpan(pair.Value), request.Buckets ?? DefaultBuckets, request.Smoothing))));
        }

        return TypedResults.Ok(new MetricComparison(result));
    }

    private static async Task ExportAsync(
        string run, string key, HttpResponse response, Caller caller, RunAccess access, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.Length(key, "key", 1, 250);
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var series = await reader.ReadAsync([row.Id], [key], allAttempts: true, cancellationToken);
        response.ContentType = "text/csv; charset=utf-8";
        var text = new StringBuilder("step,timestamp,value,attempt\n");
        foreach (var point in series.GetValueOrDefault((row.Id, key)) ?? [])
        {
            text.Append(CultureInfo.InvariantCulture, $"{point.Step},{MetricRow.Time(point.At):O},{point.Value:R},{MetricLane.Attempt(point.Lane)}\n");
            if (text.Length > 60_000)
            {
                await response.WriteAsync(text.ToString(), cancellationToken);
                text.Clear();
            }
        }

        await response.WriteAsync(text.ToString(), cancellationToken);
    }

    private static void CheckSmoothing(double? smoothing) => Check.Range(smoothing ?? 0, "smoothing", 0, 0.9999);
}
