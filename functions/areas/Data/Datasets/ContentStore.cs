using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using NpgsqlTypes;

namespace AiPlatform.Data.Datasets;

/// <summary>Records verified contents, and the blobs that are made for them.</summary>
internal sealed class ContentStore(Database database, GarbageQueue garbage, TimeProvider time)
{
    // Longer than any copy takes.
    private static readonly TimeSpan CopyPatience = TimeSpan.FromDays(1);

    /// <summary>A new name for a blob, which is garbage unless <see cref="RecordAsync"/> refers to it.</summary>
    public async Task<string> NewBlobAsync(string projectId, string sha256, CancellationToken cancellationToken)
    {
        var blob = ContentAddress.Stored(projectId, sha256, Ids.New(time));
        await garbage.ExpectAsync(BlobStorage.Datasets, blob, CopyPatience, cancellationToken);
        return blob;
    }

    /// <summary>
    /// Records contents of a draft that were verified; what another request recorded before stays as it is. False when a part or a
    /// blob is not there any more: then nothing was recorded.
    /// </summary>
    public async Task<bool> RecordAsync(DatasetVersionRow version, IReadOnlyList<NewContent> contents, CancellationToken cancellationToken)
    {
        try
        {
            await database.InWorkAsync(
                async work =>
                {
                    var bytes = 0L;
                    foreach (var content in contents)
                    {
                        if (!await HasPartsAsync(work, version.ProjectId, content, contents))
                        {
                            throw new CollectedException();
                        }

                        bytes += await InsertAsync(work, version.ProjectId, content) && content.Blob is not null ? content.Size : 0;
                    }

                    await work.ExecuteAsync("UPDATE dataset_versions SET stored_bytes = stored_bytes + @bytes WHERE id = @Id", new { bytes, version.Id });
                },
                cancellationToken);
            return true;
        }
        catch (CollectedException)
        {
            return false;
        }
    }

    private static async Task<bool> HasPartsAsync(UnitOfWork work, string projectId, NewContent content, IReadOnlyList<NewContent> contents)
    {
        var others = content.Parts.Select(part => part.Sha256).DistinctBy(Convert.ToHexStringLower, StringComparer.Ordinal)
            .Where(part => !contents.Any(other => other.Sha256.AsSpan().SequenceEqual(part))).ToArray();
        return others.Length == 0 || (await work.QueryAsync<int>(
            "SELECT 1 FROM dataset_contents WHERE project_id = @projectId AND sha256 = ANY(@others) ORDER BY sha256 FOR SHARE", new { projectId, others })).Count == others.Length;
    }

    private async Task<bool> InsertAsync(UnitOfWork work, string projectId, NewContent content)
    {
        var now = time.GetUtcNow();
        var added = await work.ExecuteAsync(
            """
            INSERT INTO dataset_contents (project_id, sha256, size_bytes, blob, created_at) VALUES (@projectId, @Sha256, @Size, @Blob, @now) ON CONFLICT DO NOTHING
            """,
            new { projectId, content.Sha256, content.Size, content.Blob, now }) > 0;
        if (content.Blob is { } name)
        {
            // A collector that is at this very blob has its row: then the blob is gone when we get it.
            var kept = await work.ExecuteAsync(
                added ? GarbageQueue.Take : GarbageQueue.Hasten,
                new { container = BlobStorage.Datasets, name, now });
            if (added && kept == 0)
            {
                throw new CollectedException();
            }
        }

        if (added)
        {
            await InsertPartsAsync(work, projectId, content);
        }

        return added;
    }

    private static async Task InsertPartsAsync(UnitOfWork work, string projectId, NewContent content)
    {
        if (content.Parts.Count > 0)
        {
            await work.InsertManyAsync(
                """
                INSERT INTO dataset_content_parts (project_id, sha256, position, part_sha256, part_offset, length)
                SELECT $1, $2, p.position - 1, p.part, p.start, p.length FROM unnest($3, $4, $5) WITH ORDINALITY AS p (part, start, length, position)
                """,
                (projectId, NpgsqlDbType.Text),
                (content.Sha256, NpgsqlDbType.Bytea),
                (content.Parts.Select(part => part.Sha256).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bytea),
                (content.Parts.Select(part => part.Offset).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint),
                (content.Parts.Select(part => part.Length).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint));
        }

        if (content.Chunks.Count > 0)
        {
            await work.InsertManyAsync(
                """
                INSERT INTO dataset_chunks (project_id, sha256, length, content_sha256, content_offset)
                SELECT $1, c.sha256, c.length, $2, c.start FROM unnest($3, $4, $5) AS c (sha256, length, start) ON CONFLICT DO NOTHING
                """,
                (projectId, NpgsqlDbType.Text),
                (content.Sha256, NpgsqlDbType.Bytea),
                (content.Chunks.Select(chunk => chunk.Chunk.Sha256).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bytea),
                (content.Chunks.Select(chunk => chunk.Chunk.Length).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Integer),
                (content.Chunks.Select(chunk => chunk.Offset).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint));
        }
    }
}

/// <summary>Ends a transaction: what it was about to refer to was collected.</summary>
file sealed class CollectedException : Exception;

/// <summary>Verified content that is to be recorded: with a blob of its own, or made of parts.</summary>
/// <param name="Blob">Null when it is made of <paramref name="Parts"/>.</param>
/// <param name="Parts">Ranges of contents that have blobs, in order.</param>
/// <param name="Chunks">Chunks of a content with a blob, and where they begin in it.</param>
internal sealed record NewContent(byte[] Sha256, long Size, string? Blob, IReadOnlyList<NewPart> Parts, IReadOnlyList<PlacedChunk> Chunks);

/// <summary>A range of a content that has a blob.</summary>
internal readonly record struct NewPart(byte[] Sha256, long Offset, long Length);

/// <summary>A chunk and where it begins.</summary>
internal readonly record struct PlacedChunk(Chunk Chunk, long Offset);
