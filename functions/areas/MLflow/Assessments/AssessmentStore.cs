using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Traces;
using AiPlatform.Ports.MLflow;
using Dapper;

namespace AiPlatform.MLflow.Assessments;

/// <summary>Assessments of traces.</summary>
internal sealed class AssessmentStore(Database database, TimeProvider time)
{
    private const int MaxPerTrace = 2_000;

    /// <summary>Assessments of traces, oldest first.</summary>
    public async Task<ILookup<string, AssessmentRow>> OfAsync(string projectId, string[] traceIds, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<AssessmentRow>(new CommandDefinition(
            $"SELECT {AssessmentRow.Columns} FROM trace_assessments a WHERE a.project_id = @projectId AND a.trace_id = ANY(@traceIds) ORDER BY a.trace_id, a.created_at, a.id",
            new { projectId, traceIds },
            cancellationToken: cancellationToken))).ToLookup(static row => row.TraceId, StringComparer.Ordinal);
    }

    /// <summary>An assessment of a trace that the caller reaches.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<AssessmentRow> RequireAsync(TraceScope scope, string traceId, string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<AssessmentRow>(new CommandDefinition(
                $"""
                SELECT {AssessmentRow.Columns} FROM trace_assessments a JOIN traces t ON t.project_id = a.project_id AND t.id = a.trace_id
                WHERE {TraceScope.Sql} AND t.id = @traceId AND a.id = @id
                """,
                new { project = scope.ProjectId, author = scope.Author, traceId, id },
                cancellationToken: cancellationToken))
            ?? throw MLflowException.Missing($"Assessment with ID '{id}' not found for trace '{traceId}'");
    }

    /// <summary>Adds an assessment; the one that it overrides is valid no more.</summary>
    public Task CreateAsync(TraceScope scope, AssessmentRow row, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await LockAsync(work, scope, row.TraceId);
                if (row.Overrides is not null && await work.ExecuteAsync(
                        "UPDATE trace_assessments SET valid = false WHERE project_id = @ProjectId AND trace_id = @TraceId AND id = @Overrides",
                        new { scope.ProjectId, row.TraceId, row.Overrides }) == 0)
                {
                    throw MLflowException.Missing($"Assessment with ID '{row.Overrides}' not found for trace '{row.TraceId}'");
                }

                if (await AddAsync(work, scope.ProjectId, [row]) == 0)
                {
                    throw MLflowException.Exists($"Assessment with ID '{row.Id}' already exists for trace '{row.TraceId}'");
                }
            },
            cancellationToken);

    /// <summary>Changes fields of an assessment.</summary>
    public Task<AssessmentRow> UpdateAsync(TraceScope scope, string traceId, string id, Func<AssessmentRow, DateTimeOffset, AssessmentRow> change, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await LockAsync(work, scope, traceId);
                var old = await work.FindAsync<AssessmentRow>(
                    $"SELECT {AssessmentRow.Columns} FROM trace_assessments a WHERE a.project_id = @ProjectId AND a.trace_id = @traceId AND a.id = @id", new { scope.ProjectId, traceId, id })
                    ?? throw MLflowException.Missing($"Assessment with ID '{id}' not found for trace '{traceId}'");
                var row = change(old, time.GetUtcNow());
                await work.ExecuteAsync(
                    """
                    UPDATE trace_assessments SET name = @Name, value = @Value::jsonb, error = @Error::jsonb, rationale = @Rationale,
                        metadata = @Metadata::jsonb, valid = @Valid, updated_at = @UpdatedAt
                    WHERE project_id = @ProjectId AND trace_id = @TraceId AND id = @Id
                    """,
                    new { scope.ProjectId, row.TraceId, row.Id, row.Name, row.Value, row.Error, row.Rationale, row.Metadata, row.Valid, row.UpdatedAt });
                return row;
            },
            cancellationToken);

    /// <summary>Deletes an assessment, if it is there; what it alone has overridden is valid again.</summary>
    public Task DeleteAsync(TraceScope scope, string traceId, string id, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await LockAsync(work, scope, traceId);
                await work.ExecuteAsync(
                    """
                    WITH gone AS (DELETE FROM trace_assessments WHERE project_id = @ProjectId AND trace_id = @traceId AND id = @id RETURNING overrides)
                    UPDATE trace_assessments a SET valid = true FROM gone
                    WHERE a.project_id = @ProjectId AND a.trace_id = @traceId AND a.id = gone.overrides AND NOT EXISTS (
                        SELECT 1 FROM trace_assessments o WHERE o.project_id = @ProjectId AND o.trace_id = @traceId AND o.overrides = a.id AND o.id <> @id)
                    """,
                    new { scope.ProjectId, traceId, id });
            },
            cancellationToken);

    /// <summary>Adds assessments of traces that this transaction holds; those that are there already stay.</summary>
    /// <returns>How many were added.</returns>
    public static async Task<int> AddAsync(UnitOfWork work, string projectId, IReadOnlyList<AssessmentRow> rows)
    {
        var added = 0;
        foreach (var row in rows)
        {
            added += await work.ExecuteAsync(
                """
                INSERT INTO trace_assessments
                    (project_id, trace_id, id, name, type, value, error, span_id, source_type, source_id, rationale, metadata, overrides, valid, created_at, updated_at)
                VALUES (@projectId, @TraceId, @Id, @Name, @Type, @Value::jsonb, @Error::jsonb, @SpanId, @SourceType, @SourceId, @Rationale,
                    @Metadata::jsonb, @Overrides, @Valid, @CreatedAt, @UpdatedAt)
                ON CONFLICT (project_id, trace_id, id) DO NOTHING
                """,
                new
                {
                    projectId, row.TraceId, row.Id, row.Name, row.Type, row.Value, row.Error, row.SpanId, row.SourceType, row.SourceId, row.Rationale, row.Metadata, row.Overrides,
                    row.Valid, row.CreatedAt, row.UpdatedAt,
                });
        }

        foreach (var trace in rows.Select(static row => row.TraceId).Distinct(StringComparer.Ordinal))
        {
            if (await work.SingleAsync<int>("SELECT count(*) FROM trace_assessments WHERE project_id = @projectId AND trace_id = @trace", new { projectId, trace }) > MaxPerTrace)
            {
                throw MLflowException.Invalid($"A trace can have at most {MaxPerTrace} assessments.");
            }
        }

        return added;
    }

    private static async Task LockAsync(UnitOfWork work, TraceScope scope, string traceId)
    {
        if (await work.FindAsync<string>(
                $"SELECT t.id FROM traces t WHERE {TraceScope.Sql} AND t.id = @traceId FOR UPDATE", new { project = scope.ProjectId, author = scope.Author, traceId }) is null)
        {
            throw TraceStore.Missing(traceId);
        }
    }
}
