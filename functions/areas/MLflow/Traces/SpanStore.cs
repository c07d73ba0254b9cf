using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;
using Dapper;
using NpgsqlTypes;

namespace AiPlatform.MLflow.Traces;

/// <summary>
/// Spans of traces. What is logged at once is stored at once or not at all, and may be logged again: a span is its trace and its id. What a
/// trace says about its spans is computed from all that are stored, so that no repetition counts twice.
/// </summary>
internal sealed class SpanStore(Database database, TraceStore traces, TimeProvider time)
{
    private const int MaxSpans = 100_000;
    private const long MaxBytes = 128 * 1024 * 1024;

    /// <summary>Stores spans, and makes the traces that are not there yet.</summary>
    /// <param name="experimentId">As the client knows it, for traces that are made.</param>
    public async Task LogAsync(TraceScope scope, Caller caller, string experimentId, IReadOnlyList<SpanRecord> spans, CancellationToken cancellationToken)
    {
        var experiment = await traces.RequireExperimentAsync(scope, caller, experimentId, cancellationToken);
        var last = new Dictionary<(string Trace, string Span), SpanRecord>();
        foreach (var span in spans)
        {
            last[(span.TraceId, span.Id)] = span;
        }

        // In one order for all: who logs spans of the same traces at the same time waits and does not lock.
        var rows = last.Values.OrderBy(static span => span.TraceId, StringComparer.Ordinal).ThenBy(static span => span.Id, StringComparer.Ordinal).ToList();
        await database.InWorkAsync(
            async work =>
            {
                await MakeTracesAsync(work, scope, caller, experiment, rows);
                await WriteAsync(work, scope, rows);
                var ids = rows.Select(static span => span.TraceId).Distinct(StringComparer.Ordinal);
                await TraceTotals.UpdateAsync(work, scope.ProjectId, [.. ids], MaxSpans, MaxBytes, time.GetUtcNow());
            },
            cancellationToken);
    }

    /// <summary>The spans of a trace, roots first, then by their begin.</summary>
    public async Task<IReadOnlyList<SpanRow>> ReadAsync(string projectId, string traceId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<SpanRow>(new CommandDefinition(
            $"SELECT {SpanRow.Columns} FROM trace_spans s WHERE s.project_id = @projectId AND s.trace_id = @traceId ORDER BY s.parent_id IS NOT NULL, s.started_ns, s.id",
            new { projectId, traceId },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>How many spans these traces have and how large they are.</summary>
    public async Task<IReadOnlyDictionary<string, (int Spans, long Bytes)>> SizesAsync(string projectId, string[] traceIds, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<(string Id, int Spans, long Bytes)>(new CommandDefinition(
            "SELECT trace_id, count(*)::integer, sum(size_bytes) FROM trace_spans WHERE project_id = @projectId AND trace_id = ANY(@traceIds) GROUP BY trace_id",
            new { projectId, traceIds },
            cancellationToken: cancellationToken))).ToDictionary(static row => row.Id, static row => (row.Spans, row.Bytes), StringComparer.Ordinal);
    }

    private async Task MakeTracesAsync(UnitOfWork work, TraceScope scope, Caller caller, ExperimentRow experiment, List<SpanRecord> spans)
    {
        var made = spans.GroupBy(static span => span.TraceId, StringComparer.Ordinal).Select(group => new
        {
            Id = group.Key,
            Started = group.Min(static span => span.StartedNs) / 1_000_000,
            Tags = JsonTags.Write(
            [
                new(SpanKeys.ArtifactLocation, $"mlflow-artifacts:/{experiment.PublicId}/traces/{group.Key}/artifacts"),
                new(SpanKeys.SpansLocation, "TRACKING_STORE"),
            ]),
        }).ToList();
        var reached = await work.QueryAsync<string>(
            """
            INSERT INTO traces AS t (project_id, id, experiment_id, started_ms, state, tags, created_by, created_at, updated_at)
            SELECT @project, id, @experiment, started, 'IN_PROGRESS', tags::jsonb, @by, @now, @now FROM unnest(@ids, @starts, @tags) AS sent (id, started, tags) ORDER BY id
            ON CONFLICT (project_id, id) DO UPDATE SET updated_at = excluded.updated_at WHERE @author::text IS NULL OR t.created_by = @author
            RETURNING id
            """,
            new
            {
                project = scope.ProjectId,
                author = scope.Author,
                experiment = experiment.Id,
                ids = made.Select(static trace => trace.Id).ToArray(),
                starts = made.Select(static trace => trace.Started).ToArray(),
                tags = made.Select(static trace => trace.Tags).ToArray(),
                by = caller.UserId,
                now = time.GetUtcNow(),
            });
        if (made.Find(trace => !reached.Contains(trace.Id)) is { } foreign)
        {
            throw TraceStore.Foreign(foreign.Id);
        }
    }

    // A span that has ended is not replaced by what was said while it ran.
    private static async Task WriteAsync(UnitOfWork work, TraceScope scope, List<SpanRecord> spans)
    {
        var totals = spans.ConvertAll(static span => SpanTotals.Of(span.Attributes));
        await work.InsertManyAsync(
            """
            INSERT INTO trace_spans AS s
                (project_id, trace_id, id, otel_trace_id, parent_id, name, type, status, status_message, started_ns, ended_ns, attributes, events, size_bytes,
                 input_tokens, output_tokens, total_tokens, input_cost, output_cost, total_cost)
            SELECT $1, t, i, o, p, n, y, st, sm, b, e, a::jsonb, ev, z, it, ot, tt, ic, oc, tc
            FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
                AS sent (t, i, o, p, n, y, st, sm, b, e, a, ev, z, it, ot, tt, ic, oc, tc)
            ON CONFLICT (project_id, trace_id, id) DO UPDATE SET
                otel_trace_id = excluded.otel_trace_id, parent_id = excluded.parent_id, name = excluded.name, type = excluded.type, status = excluded.status,
                status_message = excluded.status_message, started_ns = excluded.started_ns, ended_ns = excluded.ended_ns, attributes = excluded.attributes,
                events = excluded.events, size_bytes = excluded.size_bytes, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
                total_tokens = excluded.total_tokens, input_cost = excluded.input_cost, output_cost = excluded.output_cost, total_cost = excluded.total_cost
            WHERE s.ended_ns IS NULL OR excluded.ended_ns IS NOT NULL
            """,
            (scope.ProjectId, NpgsqlDbType.Text),
            Texts(spans, static span => span.TraceId),
            Texts(spans, static span => span.Id),
            Texts(spans, static span => span.OtelTraceId),
            Texts(spans, static span => span.ParentId),
            Texts(spans, static span => span.Name),
            Texts(spans, static span => TypeOf(span)),
            Texts(spans, static span => span.Status),
            Texts(spans, static span => span.StatusMessage),
            (spans.Select(static span => span.StartedNs).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint),
            (spans.Select(static span => span.EndedNs).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint),
            Texts(spans, static span => JsonTags.Write(span.Attributes)),
            Texts(spans, static span => span.Events),
            (spans.Select(static span => span.SizeBytes).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Integer),
            Numbers(totals, static total => total.InputTokens),
            Numbers(totals, static total => total.OutputTokens),
            Numbers(totals, static total => total.TotalTokens),
            Amounts(totals, static total => total.InputCost),
            Amounts(totals, static total => total.OutputCost),
            Amounts(totals, static total => total.TotalCost));
    }

    private static string TypeOf(SpanRecord span)
        => span.Attributes.TryGetValue(SpanKeys.Type, out var dumped) ? TraceTexts.Column(AttributeValues.Text(dumped), Names.MaxKey) : "UNKNOWN";

    private static (object Value, NpgsqlDbType Type) Texts(List<SpanRecord> spans, Func<SpanRecord, string?> text)
        => (spans.Select(text).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text);

    private static (object Value, NpgsqlDbType Type) Numbers(List<SpanTotals> totals, Func<SpanTotals, long?> number)
        => (totals.Select(number).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint);

    private static (object Value, NpgsqlDbType Type) Amounts(List<SpanTotals> totals, Func<SpanTotals, double?> amount)
        => (totals.Select(amount).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Double);
}
