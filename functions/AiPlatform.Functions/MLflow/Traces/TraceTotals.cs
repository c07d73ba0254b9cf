using System.Text.Json;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.MLflow.Http;

namespace AiPlatform.Functions.MLflow.Traces;

/// <summary>What a trace says about its spans: times, state, previews, tokens and cost, whose session it was.</summary>
internal static class TraceTotals
{
    private static readonly string[] Sessions = ["session.id", "gen_ai.conversation.id"];
    private static readonly string[] Users = ["user.id", "enduser.id"];

    /// <summary>Computes it anew for traces, which this transaction holds.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE: a trace has grown too large.</exception>
    public static async Task UpdateAsync(UnitOfWork work, string projectId, string[] traceIds, int maxSpans, long maxBytes, DateTimeOffset now)
    {
        var extents = await work.QueryAsync<Extent>(
            """
            SELECT trace_id, min(started_ns) / 1000000 AS started_ms, max(ended_ns) / 1000000 AS ended_ms, count(*) AS spans, sum(size_bytes) AS bytes,
                coalesce(bool_or(input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR total_tokens IS NOT NULL OR total_cost IS NOT NULL), false) AS has_totals
            FROM trace_spans WHERE project_id = @projectId AND trace_id = ANY(@traceIds) GROUP BY trace_id
            """,
            new { projectId, traceIds });
        if (extents.Find(extent => extent.Spans > maxSpans || extent.Bytes > maxBytes) is { } large)
        {
            throw MLflowException.Invalid($"Trace '{large.TraceId}' is too large: a trace can contain at most {maxSpans} spans and {maxBytes} bytes.");
        }

        var roots = (await work.QueryAsync<Root>(
            """
            SELECT DISTINCT ON (trace_id) trace_id, name, status, ended_ns IS NOT NULL AS ended, attributes::text AS attributes
            FROM trace_spans WHERE project_id = @projectId AND trace_id = ANY(@traceIds) AND parent_id IS NULL ORDER BY trace_id, started_ns, id
            """,
            new { projectId, traceIds })).ToDictionary(static root => root.TraceId, StringComparer.Ordinal);
        var totals = (await TotalsAsync(work, projectId, [.. extents.Where(static extent => extent.HasTotals).Select(static extent => extent.TraceId)]))
            .ToDictionary(static total => total.TraceId, StringComparer.Ordinal);
        foreach (var extent in extents)
        {
            await work.ExecuteAsync(
                """
                UPDATE traces t SET
                    started_ms = least(t.started_ms, @StartedMs),
                    duration_ms = CASE WHEN @EndedMs::bigint IS NULL THEN t.duration_ms
                        ELSE greatest(t.started_ms + t.duration_ms, @EndedMs) - least(t.started_ms, @StartedMs) END,
                    state = CASE WHEN t.state IN ('IN_PROGRESS', 'STATE_UNSPECIFIED') THEN coalesce(@state, t.state) ELSE t.state END,
                    request_preview = coalesce(t.request_preview, @request), response_preview = coalesce(t.response_preview, @response),
                    tags = @name::jsonb || t.tags, derived = @derived::jsonb, updated_at = @now
                WHERE t.project_id = @projectId AND t.id = @TraceId
                """,
                Parameters(extent, roots.GetValueOrDefault(extent.TraceId), totals.GetValueOrDefault(extent.TraceId), projectId, now));
        }
    }

    private static object Parameters(Extent extent, Root? root, Total? total, string projectId, DateTimeOffset now)
    {
        var attributes = root is null ? [] : JsonSerializer.Deserialize<Dictionary<string, string>>(root.Attributes)!;
        return new
        {
            extent.TraceId,
            extent.StartedMs,
            extent.EndedMs,
            state = root is not { Ended: true } ? null : root.Status == "ERROR" ? "ERROR" : "OK",
            request = attributes.TryGetValue(SpanKeys.Inputs, out var inputs) ? Previews.Of(inputs, "user") : null,
            response = attributes.TryGetValue(SpanKeys.Outputs, out var outputs) ? Previews.Of(outputs, "assistant") : null,
            name = root is null ? "{}" : Tracking.JsonTags.Write([new(SpanKeys.TraceName, root.Name)]),
            derived = Derived(attributes, total),
            projectId,
            now,
        };
    }

    private static string Derived(Dictionary<string, string> attributes, Total? total)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (total is { TotalTokens: { } tokens })
        {
            result[SpanKeys.TraceUsage] = JsonSerializer.Serialize(new { input_tokens = total.InputTokens ?? 0, output_tokens = total.OutputTokens ?? 0, total_tokens = tokens });
        }

        if (total is { TotalCost: { } cost })
        {
            result[SpanKeys.TraceCost] = JsonSerializer.Serialize(new { input_cost = total.InputCost ?? 0, output_cost = total.OutputCost ?? 0, total_cost = cost });
        }

        Add(SpanKeys.Session, Sessions);
        Add(SpanKeys.User, Users);
        return Tracking.JsonTags.Write(result);

        void Add(string target, string[] sources)
        {
            if (Array.Find(sources, attributes.ContainsKey) is { } source)
            {
                result[target] = TraceTexts.Column(AttributeValues.Text(attributes[source]), Tracking.Names.MaxKey);
            }
        }
    }

    // A span that says what it used has counted what is below it: a call of a model within a call of a framework is one call.
    private static Task<List<Total>> TotalsAsync(UnitOfWork work, string projectId, string[] traceIds)
        => traceIds.Length == 0
            ? Task.FromResult(new List<Total>())
            : work.QueryAsync<Total>(
                """
                WITH RECURSIVE walk AS (
                    SELECT s.trace_id, s.id, false AS used_above, false AS paid_above FROM trace_spans s
                    WHERE s.project_id = @projectId AND s.trace_id = ANY(@traceIds) AND NOT EXISTS (
                        SELECT 1 FROM trace_spans p WHERE p.project_id = s.project_id AND p.trace_id = s.trace_id AND p.id = s.parent_id)
                    UNION ALL
                    SELECT c.trace_id, c.id, w.used_above OR p.total_tokens IS NOT NULL, w.paid_above OR p.total_cost IS NOT NULL
                    FROM walk w JOIN trace_spans p ON p.project_id = @projectId AND p.trace_id = w.trace_id AND p.id = w.id
                    JOIN trace_spans c ON c.project_id = @projectId AND c.trace_id = w.trace_id AND c.parent_id = w.id
                )
                SELECT s.trace_id,
                    sum(s.input_tokens) FILTER (WHERE NOT w.used_above)::bigint AS input_tokens, sum(s.output_tokens) FILTER (WHERE NOT w.used_above)::bigint AS output_tokens,
                    sum(s.total_tokens) FILTER (WHERE NOT w.used_above)::bigint AS total_tokens,
                    sum(s.input_cost) FILTER (WHERE NOT w.paid_above) AS input_cost, sum(s.output_cost) FILTER (WHERE NOT w.paid_above) AS output_cost,
                    sum(s.total_cost) FILTER (WHERE NOT w.paid_above) AS total_cost
                FROM walk w JOIN trace_spans s ON s.project_id = @projectId AND s.trace_id = w.trace_id AND s.id = w.id GROUP BY s.trace_id
                """,
                new { projectId, traceIds });

    private sealed record Extent
    {
        public required string TraceId { get; init; }

        public long StartedMs { get; init; }

        public long? EndedMs { get; init; }

        public long Spans { get; init; }

        public long Bytes { get; init; }

        public bool HasTotals { get; init; }
    }

    private sealed record Root
    {
        public required string TraceId { get; init; }

        public required string Name { get; init; }

        public required string Status { get; init; }

        public bool Ended { get; init; }

        public required string Attributes { get; init; }
    }

    private sealed record Total
    {
        public required string TraceId { get; init; }

        public long? InputTokens { get; init; }

        public long? OutputTokens { get; init; }

        public long? TotalTokens { get; init; }

        public double? InputCost { get; init; }

        public double? OutputCost { get; init; }

        public double? TotalCost { get; init; }
    }
}
