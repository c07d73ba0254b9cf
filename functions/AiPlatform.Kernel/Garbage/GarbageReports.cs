using System.Text.Json;
using AiPlatform.Contracts.Garbage;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Garbage;

/// <summary>What garbage collection has done and what waits for it.</summary>
public sealed class GarbageReports(Database database, IEnumerable<IGarbageSweep> sweeps)
{
    private const string Columns = "id, started_at, ended_at, released::text AS released, blobs_freed, files_freed, bytes_freed, blobs_kept, failures";

    /// <summary>One more report than asked for, newest first.</summary>
    public async Task<IReadOnlyList<GarbageReport>> ListAsync(string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            $"SELECT {Columns} FROM garbage_reports WHERE @after::text IS NULL OR id < @after ORDER BY id DESC LIMIT @limit",
            new { after, limit = size + 1 },
            cancellationToken: cancellationToken));
        return [.. rows.Select(static row => row.ToContract())];
    }

    /// <summary>A report; null when that round found nothing to do.</summary>
    public async Task<GarbageReport?> FindAsync(string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(
            $"SELECT {Columns} FROM garbage_reports WHERE id = @id", new { id }, cancellationToken: cancellationToken)))?.ToContract();
    }

    /// <summary>What waits.</summary>
    public async Task<GarbageStatus> StatusAsync(TimeSpan retention, CancellationToken cancellationToken)
    {
        var last = await ListAsync(null, 1, cancellationToken) is [var newest, ..] ? newest : null;
        await using var connection = await database.OpenAsync(cancellationToken);
        var (blobs, bytes, failing) = await connection.QuerySingleAsync<(long, long, long)>(new CommandDefinition(
            "SELECT count(*), coalesce(sum(size_bytes), 0)::bigint, count(*) FILTER (WHERE attempts > 0) FROM garbage_blobs", cancellationToken: cancellationToken));
        var (folders, foldersFailing) = (0L, 0L);
        foreach (var sweep in sweeps)
        {
            var (waiting, stuck) = await sweep.CountFoldersAsync(cancellationToken);
            (folders, foldersFailing) = (folders + waiting, foldersFailing + stuck);
        }

        return new GarbageStatus(blobs, bytes, failing, folders, foldersFailing, (long)retention.TotalSeconds, last);
    }

    private sealed record Row
    {
        public required string Id { get; init; }

        public DateTimeOffset StartedAt { get; init; }

        public DateTimeOffset? EndedAt { get; init; }

        public required string Released { get; init; }

        public long BlobsFreed { get; init; }

        public long FilesFreed { get; init; }

        public long BytesFreed { get; init; }

        public long BlobsKept { get; init; }

        public long Failures { get; init; }

        public GarbageReport ToContract()
            => new(Id, StartedAt, EndedAt, JsonSerializer.Deserialize<SortedDictionary<string, long>>(Released)!, BlobsFreed, FilesFreed, BytesFreed, BlobsKept, Failures);
    }
}
