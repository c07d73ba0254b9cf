using System.Security.Cryptography;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Tracking.Experiments;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>
/// URLs to which clients put artifacts straight into the storage. MLflow's clients do not say when they are done: what has
/// arrived becomes an artifact as soon as somebody lists or reads the run's artifacts, at the latest at the next tick.
/// </summary>
internal sealed class PresignedUploads(
    Database database, BlobStorage storage, ArtifactFiles files, GarbageQueue garbage, IOptions<ExperimentOptions> options, TimeProvider time) : ITickTask
{
    private const int MaxPerRound = 50;
    private const string Columns = "upload, run_id, project_id, path, expires_at";

    /// <summary>A URL for one file of a run; the time that it holds is at most that of other upload URLs.</summary>
    /// <param name="life">What the client asks for; null for the longest.</param>
    public async Task<string> CreateAsync(ArtifactPlace place, TimeSpan? life, CancellationToken cancellationToken)
    {
        var upload = $"{place.Owner}/uploads/{Ids.New(time)}";
        var holds = life is { } asked && asked < options.Value.UrlLifetime ? asked : options.Value.UrlLifetime;
        await garbage.ExpectAsync(BlobStorage.Runs, upload, holds, cancellationToken);
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "INSERT INTO presigned_uploads (upload, run_id, project_id, path, expires_at, looked_at) VALUES (@upload, @Owner, @ProjectId, @Path, @until, @now)",
                new { upload, place.Owner, place.ProjectId, place.Path, until = time.GetUtcNow() + holds, now = time.GetUtcNow() },
                cancellationToken: cancellationToken));
        }

        return await storage.UploadUrlAsync(BlobStorage.Runs, upload, holds, cancellationToken);
    }

    /// <summary>Makes artifacts of what has arrived for a run.</summary>
    public async Task AdoptAsync(string runId, CancellationToken cancellationToken)
    {
        List<Row> rows;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            rows = (await connection.QueryAsync<Row>(new CommandDefinition(
                $"SELECT {Columns} FROM presigned_uploads WHERE run_id = @runId ORDER BY upload LIMIT {MaxPerRound}", new { runId }, cancellationToken: cancellationToken))).AsList();
        }

        await AdoptAsync(rows, cancellationToken);
    }

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        List<Row> rows;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            rows = (await connection.QueryAsync<Row>(new CommandDefinition(
                $"""
                UPDATE presigned_uploads SET looked_at = @now WHERE upload IN (SELECT upload FROM presigned_uploads ORDER BY looked_at LIMIT {MaxPerRound} FOR UPDATE SKIP LOCKED)
                RETURNING {Columns}
                """,
                new { now = time.GetUtcNow() },
                cancellationToken: cancellationToken))).AsList();
        }

        await AdoptAsync(rows, cancellationToken);
    }

    private async Task AdoptAsync(List<Row> rows, CancellationToken cancellationToken)
    {
        foreach (var row in rows)
        {
            // While the URL holds, the client may put another file to it: it stays on the list until then.
            var ended = row.ExpiresAt < time.GetUtcNow();
            if (await storage.OpenVersionAsync(BlobStorage.Runs, row.Upload, cancellationToken) is { } blob)
            {
                byte[] sha256;
                await using (blob.Content)
                {
                    sha256 = await SHA256.HashDataAsync(blob.Content, cancellationToken);
                }

                if (!await files.TryCommitAsync(new ArtifactPlace(row.ProjectId, row.RunId, IsModel: false, row.Path), row.Upload, blob.Tag, blob.Length, sha256, cancellationToken))
                {
                    continue;
                }

                await storage.DeleteAsync(BlobStorage.Runs, row.Upload, cancellationToken);
            }

            if (ended)
            {
                await using var connection = await database.OpenAsync(cancellationToken);
                await connection.ExecuteAsync(new CommandDefinition("DELETE FROM presigned_uploads WHERE upload = @Upload", new { row.Upload }, cancellationToken: cancellationToken));
            }
        }
    }

    private sealed record Row
    {
        public required string Upload { get; init; }

        public required string RunId { get; init; }

        public required string ProjectId { get; init; }

        public required string Path { get; init; }

        public DateTimeOffset ExpiresAt { get; init; }
    }
}
