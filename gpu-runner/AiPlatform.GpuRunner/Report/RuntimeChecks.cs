using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.GpuRunner.Report;

/// <summary>
/// The API's own rules for what runs take, so that the call in job code fails at once, and not the delivery of what it had long
/// forgotten. Each refusal is an <see cref="InvalidDataException"/> with a sentence for people.
/// </summary>
internal static class RuntimeChecks
{
    /// <summary>Most entries of one record of parameters or tags: what one request to the API holds.</summary>
    public const int MaxEntries = 200;

    private const int MaxPoints = 1_000;
    private const int MaxKeyLength = 250;
    private const int MaxValues = 1_000;
    private const int MaxParam = 6_000;
    private const int MaxTag = 8_000;
    private const int MaxMetrics = 100;
    private const int MaxMediaKey = 200;
    private const int MaxCaption = 500;
    private static readonly DateTimeOffset MaxTime = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Texts and numbers of a request that nobody can store, wherever they stand in it.</summary>
    /// <param name="frame">JSON.</param>
    /// <exception cref="System.Text.Json.JsonException">It is no JSON.</exception>
    public static void Storable(ReadOnlySpan<byte> frame)
    {
        var problem = StorableJson.Check(frame, int.MaxValue) switch
        {
            JsonFault.None => null,
            JsonFault.Nul => "a text contains the character U+0000",
            JsonFault.Surrogate => "a text contains half of a surrogate pair",
            JsonFault.Number => "a number is beyond the range of 64-bit floating point",
            JsonFault.Depth => $"it is nested more deeply than {StorableJson.MaxDepth} levels",
            var fault => $"it cannot be stored ({fault})",
        };
        Require(problem is null, $"The request is not allowed: {problem}.");
    }

    /// <summary>Points of metrics.</summary>
    public static IReadOnlyList<MetricPoint> Points(IReadOnlyList<MetricPoint>? points)
    {
        Require(points is { Count: > 0 and <= MaxPoints }, $"A request has 1 to {MaxPoints} points.");
        foreach (var point in points!)
        {
            Require(point is not null, "A point is missing.");
            Metric(point!.Key);
            Require(
                point.Timestamp >= DateTimeOffset.UnixEpoch && point.Timestamp < MaxTime,
                $"The time {point.Timestamp:O} of '{point.Key}' is outside the years 1970 to 9998.");
        }

        return points;
    }

    /// <summary>Parameters, in parts that fit into a request.</summary>
    public static IEnumerable<IReadOnlyDictionary<string, string>> Params(IReadOnlyDictionary<string, string>? values) => Entries(values, "parameter", MaxParam);

    /// <summary>Tags, in parts that fit into a request.</summary>
    public static IEnumerable<IReadOnlyDictionary<string, string>> Tags(IReadOnlyDictionary<string, string>? values) => Entries(values, "tag", MaxTag);

    /// <summary>The path of an artifact as it is kept, and what is said about it.</summary>
    public static string Artifact(RuntimeRequest request)
    {
        Require(request.Step is null or >= -1, "The step of an artifact is -1 or more.");
        Require(request.Metrics is null or { Count: <= MaxMetrics }, $"An artifact has at most {MaxMetrics} metrics.");
        foreach (var key in request.Metrics?.Keys ?? [])
        {
            Metric(key);
        }

        return Named(request.Path, "artifact path");
    }

    /// <summary>A piece of media, at the step of the request.</summary>
    public static LogMediaRequest Media(RuntimeRequest request, int attempt)
    {
        Require(
            request.Media is { } found && Named(found.Key, "media key").Length <= MaxMediaKey && found.Caption is null or { Length: <= MaxCaption },
            $"Media needs a key that is a relative path of at most {MaxMediaKey} characters, and a caption of at most {MaxCaption}.");
        Require(request.Step >= 0, "Media needs a step from 0.");
        var media = request.Media!;
        return new LogMediaRequest(media.Key, media.Kind, request.Step!.Value, media.Caption, attempt);
    }

    private static List<Dictionary<string, string>> Entries(IReadOnlyDictionary<string, string>? values, string what, int maxValue)
    {
        Require(values is { Count: > 0 and <= MaxValues }, $"A request has 1 to {MaxValues} values.");
        foreach (var (key, value) in values!)
        {
            Require(IsKey(key), $"'{key}' is not the name of a {what}: 1 to {MaxKeyLength} characters without control characters.");
            Require(value is not null, $"The {what} '{key}' has no value.");
            Require(value!.Length <= maxValue, $"The value of the {what} '{key}' has {value.Length} characters, at most {maxValue} are allowed.");
        }

        return values.Chunk(MaxEntries).Select(static part => part.ToDictionary(StringComparer.Ordinal)).ToList();
    }

    private static void Metric(string? key)
        => Require(IsKey(key), $"'{key}' is not the name of a metric: 1 to {MaxKeyLength} characters without control characters.");

    private static string Named(string? path, string what)
    {
        var problem = path is null ? "it is missing" : FilePath.Problem(path);
        return problem is null ? FilePath.Normal(path!) : throw new InvalidDataException($"The {what} '{path}' is not allowed: {problem}.");
    }

    private static bool IsKey(string? key) => key is { Length: > 0 and <= MaxKeyLength } && !key.Any(char.IsControl) && !string.IsNullOrWhiteSpace(key);

    private static void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new InvalidDataException(problem);
        }
    }
}
