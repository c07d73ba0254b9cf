using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Tracking.Experiments;

namespace AiPlatform.Tracking.Runs;

/// <summary>Limits of what runs take; the numbers are the largest that MLflow's versions accept.</summary>
internal static class RunChecks
{
    private const int MaxKey = 250;
    private const int MaxParam = 6_000;
    private const int MaxTag = 8_000;
    private static readonly DateTimeOffset MaxTime = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static void Params(IReadOnlyDictionary<string, string>? entries, ExperimentOptions options) => Entries(entries, "params", MaxParam, options);

    public static void Tags(IReadOnlyDictionary<string, string>? entries, ExperimentOptions options) => Entries(entries, "tags", MaxTag, options);

    public static void Points(LogMetricsRequest request, ExperimentOptions options)
    {
        Check.Range(request.Attempt, "attempt", 1, int.MaxValue);
        Check.Length(request.Source, "source", 1, 64);
        Check.Range(request.FirstSequence, "firstSequence", 0, long.MaxValue - options.MaxPointsPerBatch);
        Check.That(request.Points.Count >= 1 && request.Points.Count <= options.MaxPointsPerBatch, "points", "count", 1, options.MaxPointsPerBatch);
        for (var i = 0; i < request.Points.Count; i++)
        {
            var point = request.Points[i];
            Check.That(point is not null, $"points[{i}]", "required");
            Check.Length(point!.Key, $"points[{i}].key", 1, MaxKey);
            Check.That(point.Timestamp >= DateTimeOffset.UnixEpoch && point.Timestamp < MaxTime, $"points[{i}].timestamp", "range", DateTimeOffset.UnixEpoch, MaxTime);
        }
    }

    /// <summary>Checks an artifact's path, size and hash.</summary>
    public static byte[] File(string path, long size, string sha256, ExperimentOptions options)
    {
        var problem = RelativePath.Problem(path);
        Check.That(problem is null, "path", "path", problem);
        Check.Range(size, "size", 0, options.MaxArtifactBytes);
        Check.That(ContentHash.TryParse(sha256, out var hash), "sha256", "sha256");
        return hash!;
    }

    private static void Entries(IReadOnlyDictionary<string, string>? entries, string field, int maxValue, ExperimentOptions options)
    {
        Check.That(entries is null || entries.Count <= options.MaxEntriesPerRequest, field, "count", 0, options.MaxEntriesPerRequest);
        foreach (var (key, value) in entries ?? new Dictionary<string, string>())
        {
            Check.Length(key, field, 1, MaxKey);
            Check.Length(value, $"{field}.{key}", 0, maxValue);
        }
    }
}
