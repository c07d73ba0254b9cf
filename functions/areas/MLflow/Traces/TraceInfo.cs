using System.Globalization;
using System.Text.Json;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Traces;

/// <summary>What a client says about a trace when it starts or ends it.</summary>
internal sealed record TraceInfo
{
    /// <summary>Most tags, and most entries of metadata, that a trace has.</summary>
    public const int MaxEntries = 1_000;

    public required string Id { get; init; }

    /// <summary>As the client knows it.</summary>
    public required string ExperimentId { get; init; }

    public string? ClientRequestId { get; init; }

    public string? RequestPreview { get; init; }

    public string? ResponsePreview { get; init; }

    public long StartedMs { get; init; }

    public long? DurationMs { get; init; }

    public string State { get; init; } = "STATE_UNSPECIFIED";

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<JsonElement> Assessments { get; init; } = [];

    /// <summary>Reads a <c>TraceInfoV3</c>.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static TraceInfo Read(MLflowCall info)
    {
        var location = info.Object("trace_location") ?? throw MLflowException.Required("trace_location");
        var experiment = location.Object("mlflow_experiment")
            ?? throw MLflowException.Invalid("Only traces in an MLflow experiment are supported: trace_location.mlflow_experiment is missing.");
        return new TraceInfo
        {
            Id = TraceIds.Checked(info.RequiredText("trace_id")),
            ExperimentId = experiment.RequiredText("experiment_id"),
            ClientRequestId = info.Text("client_request_id") is { } id ? Names.Value(id, "client request id", "client_request_id", Names.MaxKey) : null,
            RequestPreview = Preview(info, "request_preview"),
            ResponsePreview = Preview(info, "response_preview"),
            StartedMs = info.Text("request_time") is { } time ? Instant(time) : throw MLflowException.Required("request_time"),
            DurationMs = info.Text("execution_duration") is { } duration ? Duration(duration) : null,
            State = StateOf(info.Text("state"), "state"),
            Metadata = Entries(info, "trace_metadata"),
            Tags = Entries(info, "tags"),
            Assessments = info.Objects("assessments"),
        };
    }

    /// <summary>A state in MLflow's spelling.</summary>
    public static string StateOf(string? state, string parameter) => state switch
    {
        null or "" or "STATE_UNSPECIFIED" or "TRACE_STATUS_UNSPECIFIED" => "STATE_UNSPECIFIED",
        "OK" or "ERROR" or "IN_PROGRESS" => state,
        _ => throw MLflowException.Value(parameter, $"'{state}'"),
    };

    /// <summary>Checks tags or metadata: keys as tags of runs, values cut at their limit, as MLflow does.</summary>
    public static IReadOnlyDictionary<string, string> Checked(IEnumerable<KeyValuePair<string, string>> entries, string parameter)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in entries)
        {
            result[Names.Key(key, "tag")] = TraceTexts.Cut(value, Names.MaxTag);
        }

        return result.Count <= MaxEntries ? result : throw MLflowException.Invalid($"At most {MaxEntries} {parameter} are accepted. Got {result.Count}.");
    }

    private static IReadOnlyDictionary<string, string> Entries(MLflowCall info, string name)
        => info.Object(name) is not { } map
            ? new Dictionary<string, string>()
            : Checked(map.Body.EnumerateObject().Select(property => KeyValuePair.Create(property.Name, MLflowCall.AsText(property.Value, name))), name);

    private static string? Preview(MLflowCall info, string name) => info.Text(name) is { } text ? TraceTexts.Cut(text, Previews.Kept) : null;

    private static long Instant(string text)
        => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUnixTimeMilliseconds()
            : throw MLflowException.Value("request_time", $"'{text}'");

    private static long Duration(string text)
        => text.EndsWith('s') && decimal.TryParse(text[..^1], NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            && Math.Abs(seconds) < 315_576_000_000m
            ? (long)(seconds * 1_000)
            : throw MLflowException.Value("execution_duration", $"'{text}'");
}
