using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using Dapper;
using NpgsqlTypes;

namespace AiPlatform.MLflow.Evaluation;

/// <summary>Records of evaluation datasets: the same inputs are the same record.</summary>
internal sealed class EvaluationRecordStore(Database database, TimeProvider time)
{
    private const long MaxRecords = 1_000_000;

    /// <summary>Adds records, and adds to those whose inputs are there already.</summary>
    /// <returns>How many were new, and how many were not.</returns>
    public Task<(int Inserted, int Updated)> UpsertAsync(string projectId, string datasetId, IReadOnlyList<EvaluationRecord> sent, string? by, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                // The dataset's row orders those that change it at the same time.
                var dataset = await work.FindAsync<EvaluationDatasetRow>(
                    $"SELECT {EvaluationDatasetRow.Columns} FROM evaluation_datasets d WHERE d.project_id = @projectId AND d.id = @datasetId FOR UPDATE", new { projectId, datasetId })
                    ?? throw EvaluationDatasetStore.Missing(datasetId);
                var now = time.GetUtcNow();
                var known = (await work.QueryAsync<EvaluationRecord>(
                    $"SELECT {EvaluationRecord.Columns} FROM evaluation_records r WHERE r.dataset_id = @datasetId AND r.input_hash = ANY(@hashes)",
                    new { datasetId, hashes = sent.Select(static record => record.InputHash).ToArray() })).ToDictionary(static record => Convert.ToHexString(record.InputHash), StringComparer.Ordinal);
                var (inserted, updated) = (0, 0);
                foreach (var record in sent)
                {
                    // A microsecond apart: records come back in the order in which they were sent.
                    var key = Convert.ToHexString(record.InputHash);
                    var dated = record with { CreatedAt = now.AddMicroseconds(inserted), UpdatedAt = now, UpdatedBy = record.CreatedBy };
                    if (known.TryGetValue(key, out var old))
                    {
                        known[key] = old.Merge(dated, record.Outputs is not null);
                        updated++;
                    }
                    else
                    {
                        known[key] = dated with { Id = $"dr-{Guid.CreateVersion7(now):N}" };
                        inserted++;
                    }
                }

                await WriteAsync(work, datasetId, [.. known.Values]);
                await CompleteAsync(work, dataset, sent, by ?? sent.Select(static record => record.CreatedBy).LastOrDefault(static user => user is not null), now);
                return (inserted, updated);
            },
            cancellationToken);

    /// <summary>A page of records, oldest first, and the token of the next one.</summary>
    public async Task<(IReadOnlyList<EvaluationRecord> Records, string? Next)> ReadAsync(string datasetId, int limit, string? token, CancellationToken cancellationToken)
    {
        var (at, after) = Cursor(token);
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = (await connection.QueryAsync<EvaluationRecord>(new CommandDefinition(
            $"""
            SELECT {EvaluationRecord.Columns} FROM evaluation_records r
            WHERE r.dataset_id = @datasetId AND (@after::text IS NULL OR (r.created_at, r.id) > (@at, @after)) ORDER BY r.created_at, r.id LIMIT @limit
            """,
            new { datasetId, at, after, limit = limit + 1 },
            cancellationToken: cancellationToken))).AsList();
        return rows.Count <= limit ? (rows, null) : (rows[..limit], PageToken.Encode($"{rows[limit - 1].CreatedAt.UtcTicks}", rows[limit - 1].Id));
    }

    private static (DateTimeOffset At, string? After) Cursor(string? token)
    {
        try
        {
            return PageToken.Decode(token, 2) is not [var ticks, var id] ? (default, null)
                : long.TryParse(ticks, out var at) && at >= 0 && at <= DateTimeOffset.MaxValue.Ticks ? (new DateTimeOffset(at, TimeSpan.Zero), id)
                : throw MLflowException.Invalid("Invalid page token");
        }
        catch (ApiException)
        {
            throw MLflowException.Invalid("Invalid page token");
        }
    }

    private static Task<int> WriteAsync(UnitOfWork work, string datasetId, List<EvaluationRecord> records)
        => work.InsertManyAsync(
            """
            INSERT INTO evaluation_records (dataset_id, id, input_hash, inputs, outputs, expectations, tags, source, created_by, updated_by, created_at, updated_at)
            SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (dataset_id, id) DO UPDATE SET outputs = excluded.outputs, expectations = excluded.expectations, tags = excluded.tags,
                updated_by = excluded.updated_by, updated_at = excluded.updated_at
            """,
            (datasetId, NpgsqlDbType.Text),
            Texts(records, static record => record.Id),
            (records.Select(static record => record.InputHash).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bytea),
            Texts(records, static record => record.Inputs),
            Texts(records, static record => record.Outputs),
            Texts(records, static record => record.Expectations),
            Texts(records, static record => record.Tags),
            Texts(records, static record => record.Source),
            Texts(records, static record => record.CreatedBy),
            Texts(records, static record => record.UpdatedBy),
            Times(records, static record => record.CreatedAt),
            Times(records, static record => record.UpdatedAt));

    private static async Task CompleteAsync(UnitOfWork work, EvaluationDatasetRow dataset, IReadOnlyList<EvaluationRecord> sent, string? by, DateTimeOffset now)
    {
        var count = await work.SingleAsync<long>("SELECT count(*) FROM evaluation_records WHERE dataset_id = @Id", new { dataset.Id });
        if (count > MaxRecords)
        {
            throw MLflowException.Invalid($"A dataset can contain at most {MaxRecords} records.");
        }

        await work.ExecuteAsync(
            "UPDATE evaluation_datasets SET schema = @schema, profile = @profile, digest = @digest, updated_by = coalesce(@by, updated_by), updated_at = @now WHERE id = @Id",
            new
            {
                dataset.Id,
                schema = EvaluationSchema.Add(dataset.Schema, sent),
                profile = $$"""{"num_records": {{count}}}""",
                digest = EvaluationDatasetStore.Digest(dataset.Name, now),
                by,
                now,
            });
    }

    private static (object Value, NpgsqlDbType Type) Texts(List<EvaluationRecord> records, Func<EvaluationRecord, string?> text)
        => (records.Select(text).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text);

    private static (object Value, NpgsqlDbType Type) Times(List<EvaluationRecord> records, Func<EvaluationRecord, DateTimeOffset> instant)
        => (records.Select(record => instant(record).UtcDateTime).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.TimestampTz);
}
