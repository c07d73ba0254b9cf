using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Traces;

/// <summary>What a trace says about its spans: times, state, previews, tokens and cost, whose session it was.</summary>
internal static class TraceTotals
{
    private const int MaxDepth = 1_000;
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
            name = root is null ? "{}" : JsonTags.Write([new(SpanKeys.TraceName, root.Name)]),
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
        return JsonTags.Write(result);

        void Add(string target, string[] sources)
        {
            if (Array.Find(sources, attributes.ContainsKey) is { } source)
            {
                result[target] = TraceTexts.Column(AttributeValues.Text(attributes[source]), Names.MaxKey);
            }
        }
    }

    private static async Task<List<Total>> TotalsAsync(UnitOfWork work, string projectId, string[] traceIds)
    {
        var result = new List<Total>();
        foreach (var trace in traceIds)
        {
            result.Add(Sum(trace, await work.QueryAsync<Used>(
                """
                SELECT id, parent_id, input_tokens, output_tokens, total_tokens, input_cost, output_cost, total_cost FROM trace_spans
                WHERE project_id = @projectId AND trace_id = @trace
                """,
                new { projectId, trace })));
        }

        return result;
    }

    // A span that says what it used has counted what is below it: a call of a model within a call of a framework is one call.
    private static Total Sum(string trace, List<Used> spans)
    {
        var byId = spans.ToDictionary(static span => span.Id, StringComparer.Ordinal);
        var total = new Total { TraceId = trace };
        foreach (var span in spans)
        {
            if (span.TotalTokens is { } tokens && !IsBelow(span, static above => above.TotalTokens is not null))
            {
                total = total with
                {
                    InputTokens = (total.InputTokens ?? 0) + (span.InputTokens ?? 0),
                    OutputTokens = (total.OutputTokens ?? 0) + (span.OutputTokens ?? 0),
                    TotalTokens = (total.TotalTokens ?? 0) + tokens,
                };
            }

            if (span.TotalCost is { } cost && !IsBelow(span, static above => above.TotalCost is not null))
            {
                total = total with
                {
                    InputCost = (total.InputCost ?? 0) + (span.InputCost ?? 0),
                    OutputCost = (total.OutputCost ?? 0) + (span.OutputCost ?? 0),
                    TotalCost = (total.TotalCost ?? 0) + cost,
                };
            }
        }

        return total;

        // Parents that go round in a circle end after as many steps as a sensible trace is deep.
        bool IsBelow(Used span, Func<Used, bool> says)
        {
            for (var depth = 0; depth < MaxDepth && span.ParentId is { } parent && byId.TryGetValue(parent, out var above); depth++)
            {
                if (says(above))
                {
                    return true;
                }

                span = above;
            }

            return false;
        }
    }

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

    private record Sums
    {
        public long? InputTokens { get; init; }

        public long? OutputTokens { get; init; }

        public long? TotalTokens { get; init; }

        public double? InputCost { get; init; }

        public double? OutputCost { get; init; }

        public double? TotalCost { get; init; }
    }

    private sealed record Used : Sums
    {
        public required string Id { get; init; }

        public string? ParentId { get; init; }
    }

    private sealed record Total : Sums
    {
        public required string TraceId { get; init; }
    }
}
