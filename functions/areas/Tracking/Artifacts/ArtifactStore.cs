using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Runs;
using Dapper;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>Artifacts of runs.</summary>
internal sealed class ArtifactStore(Database database, EventStream events, GarbageQueue garbage, TimeProvider time)
{
    /// <summary>An artifact by path; null when there is none.</summary>
    public async Task<ArtifactRow?> FindAsync(string runId, string path, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ArtifactRow>(new CommandDefinition(
            $"SELECT {ArtifactRow.Columns} FROM artifacts a WHERE a.run_id = @runId AND a.path = @path",
            new { runId, path },
            cancellationToken: cancellationToken));
    }

    /// <summary>One more artifact than asked for, by path.</summary>
    public async Task<IEnumerable<ArtifactRow>> ListAsync(string runId, ArtifactKind? kind, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<ArtifactRow>(new CommandDefinition(
            $"""
            SELECT {ArtifactRow.Columns} FROM artifacts a
            WHERE a.run_id = @runId AND (@kind::text IS NULL OR a.kind = @kind) AND (@after::text IS NULL OR a.path > @after)
            ORDER BY a.path LIMIT @limit
            """,
            new { runId, kind = kind?.ToText(), after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>Records verified bytes under a path; what was there before is replaced.</summary>
    public Task<ArtifactRow> CommitAsync(RunRow run, CommitArtifactRequest request, byte[] sha256, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                await ReplaceAsync(new UnitOfWork(connection, transaction, cancellationToken), run.Id, request.Path, sha256);
                var row = await connection.QuerySingleAsync<ArtifactRow>(new CommandDefinition(
                    $"""
                    INSERT INTO artifacts AS a (id, run_id, project_id, path, kind, size_bytes, sha256, step, attempt, metrics, created_at)
                    VALUES (@id, @runId, @projectId, @path, @kind, @size, @sha256, @step, @attempt, @metrics::jsonb, @now)
                    ON CONFLICT (run_id, path) DO UPDATE SET
                        kind = excluded.kind, size_bytes = excluded.size_bytes, sha256 = excluded.sha256, step = excluded.step,
                        attempt = excluded.attempt, metrics = excluded.metrics,
                        created_at = CASE WHEN a.sha256 = excluded.sha256 THEN a.created_at ELSE excluded.created_at END
                    RETURNING {ArtifactRow.Columns}
                    """,
                    new
                    {
                        id = Ids.New(time),
                        runId = run.Id,
                        projectId = run.ProjectId,
                        path = request.Path,
                        kind = request.Kind.ToText(),
                        size = request.Size,
                        sha256,
                        step = request.Step,
                        attempt = request.Attempt,
                        metrics = request.Metrics is null ? null : JsonSerializer.Serialize(request.Metrics, ContractsJson.Strict),
                        now = time.GetUtcNow(),
                    },
                    transaction,
                    cancellationToken: cancellationToken));
                await events.PublishAsync(connection, transaction, $"run:{run.Id}", "run.artifact", row.ToContract(), cancellationToken);
                return row;
            },
            cancellationToken);

    /// <summary>Gives up the bytes that a path has, unless they are these.</summary>
    public async Task ReplaceAsync(UnitOfWork work, string runId, string path, byte[] sha256)
    {
        var old = await work.FindAsync<ArtifactRow>(
            $"SELECT {ArtifactRow.Columns} FROM artifacts a WHERE a.run_id = @runId AND a.path = @path AND a.sha256 <> @sha256 FOR UPDATE", new { runId, path, sha256 });
        if (old is not null)
        {
            await garbage.AddAsync(work, BlobStorage.Runs, [new GarbageBlob(old.Blob, old.SizeBytes)]);
        }
    }
}
