namespace AiPlatform.MLflow.Traces;

/// <summary>A row of <c>traces</c>.</summary>
internal sealed class TraceRow
{
    public const string Columns = """
        t.id, t.experiment_id, t.client_request_id, t.request_preview, t.response_preview, t.started_ms, t.duration_ms, t.state, t.tags::text AS tags,
        (t.derived || t.metadata)::text AS metadata
        """;

    public required string Id { get; init; }

    /// <summary>As it is stored.</summary>
    public required string ExperimentId { get; init; }

    public string? ClientRequestId { get; init; }

    public string? RequestPreview { get; init; }

    public string? ResponsePreview { get; init; }

    /// <summary>Milliseconds since 1970.</summary>
    public long StartedMs { get; init; }

    public long? DurationMs { get; init; }

    /// <summary>In MLflow's spelling.</summary>
    public required string State { get; init; }

    /// <summary>A JSON object.</summary>
    public required string Tags { get; init; }

    /// <summary>A JSON object: what the client said and what the spans say.</summary>
    public required string Metadata { get; init; }
}
