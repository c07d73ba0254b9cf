namespace AiPlatform.MLflow.Traces;

/// <summary>A span as it is stored: what OpenTelemetry says, with attributes in MLflow's form.</summary>
internal sealed class SpanRecord
{
    /// <summary>The trace's id as MLflow's clients know it.</summary>
    public required string TraceId { get; init; }

    /// <summary>The trace's id in OpenTelemetry, hexadecimal.</summary>
    public required string OtelTraceId { get; init; }

    /// <summary>Hexadecimal.</summary>
    public required string Id { get; init; }

    /// <summary>Hexadecimal; null for a root.</summary>
    public string? ParentId { get; init; }

    public required string Name { get; init; }

    /// <summary><c>OK</c>, <c>ERROR</c> or <c>UNSET</c>.</summary>
    public required string Status { get; init; }

    public string StatusMessage { get; init; } = string.Empty;

    /// <summary>Nanoseconds since 1970.</summary>
    public long StartedNs { get; init; }

    /// <summary>Nanoseconds since 1970; null while the span is running.</summary>
    public long? EndedNs { get; init; }

    /// <summary>From key to the JSON of the value.</summary>
    public required Dictionary<string, string> Attributes { get; init; }

    /// <summary>JSON: <c>[{"name", "time_unix_nano", "attributes"}]</c>; null when there are none.</summary>
    public string? Events { get; init; }

    /// <summary>About what the span takes.</summary>
    public int SizeBytes => (2 * (Name.Length + StatusMessage.Length + (Events?.Length ?? 0)))
        + Attributes.Sum(static pair => 2 * (pair.Key.Length + pair.Value.Length));
}
