namespace AiPlatform.MLflow.Traces;

/// <summary>A row of <c>trace_spans</c>, as far as clients read it.</summary>
internal sealed class SpanRow
{
    public const string Columns = """
        s.trace_id, s.id, s.otel_trace_id, s.parent_id, s.name, s.status, s.status_message, s.started_ns, s.ended_ns, s.attributes::text AS attributes, s.events
        """;

    public required string TraceId { get; init; }

    public required string Id { get; init; }

    public required string OtelTraceId { get; init; }

    public string? ParentId { get; init; }

    public required string Name { get; init; }

    public required string Status { get; init; }

    public required string StatusMessage { get; init; }

    public long StartedNs { get; init; }

    public long? EndedNs { get; init; }

    /// <summary>A JSON object: from key to the JSON of the value as a text.</summary>
    public required string Attributes { get; init; }

    public string? Events { get; init; }
}
