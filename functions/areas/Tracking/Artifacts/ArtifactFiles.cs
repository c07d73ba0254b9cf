using System.Buffers;
using System.Security.Cryptography;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>A file or a folder among artifacts.</summary>
internal sealed record ArtifactEntry(string Path, bool IsDirectory, long Size);

/// <summary>Artifacts of runs and of logged models: the rows in PostgreSQL, the bytes in Blob storage under their hash.</summary>
internal sealed class ArtifactFiles(Database database, BlobStorage storage, GarbageQueue garbage, ArtifactStore artifacts, IOptions<ExperimentOptions> options, TimeProvider time)
{
    private const int MaxEntries = 10_000;
    private const int SmallBytes = 256 * 1024;

    /// <summary>What lies directly in a folder: files and folders, by path.</summary>
    public async Task<IReadOnlyList<ArtifactEntry>> ListAsync(ArtifactPlace place, CancellationToken cancellationToken)
    {
        var prefix = place.Path.Length == 0 ? string.Empty : place.Path + "/";
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string Name, bool Directory, long Size)>(new CommandDefinition(
            $"""
            SELECT split_part(substr(path, @length), '/', 1) AS name, strpos(substr(path, @length), '/') > 0 AS directory, max(size_bytes)
            FROM {Table(place)} WHERE {Key(place)} = @owner AND starts_with(path, @prefix) GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {MaxEntries}
            """,
            new { owner = place.Owner, prefix, length = prefix.Length + 1 },
            cancellationToken: cancellationToken));
        return [.. rows.Select(row => new ArtifactEntry(prefix + row.Name, row.Directory, row.Size))];
    }

    /// <summary>Where the bytes of a file are, and how many.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<(string Blob, long Size)> RequireAsync(ArtifactPlace place, CancellationToken cancellationToken)
        => await FindAsync(place, cancellationToken) ?? throw MLflowException.Missing($"No such artifact: {place.Path}");

    /// <summary>As <see cref="RequireAsync"/>; null when there is no such file.</summary>
    public async Task<(string Blob, long Size)?> FindAsync(ArtifactPlace place, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<(byte[] Sha256, long Size)?>(new CommandDefinition(
            $"SELECT sha256, size_bytes FROM {Table(place)} WHERE {Key(place)} = @owner AND path = @path", new { owner = place.Owner, path = place.Path }, cancellationToken: cancellationToken));
        return row is { } found
            ? (RunBlob.Name(place.Owner, Convert.ToHexStringLower(found.Sha256), place.Path), found.Size)
            : null;
    }

    /// <summary>Stores what the stream contains, never whole in memory unless it is small, and records it once it is complete.</summary>
    /// <param name="length">Bytes, where that is known.</param>
    public async Task WriteAsync(ArtifactPlace place, Stream content, long? length, CancellationToken cancellationToken)
    {
        if (length <= SmallBytes)
        {
            var buffer = ArrayPool<byte>.Shared.Rent((int)length);
            try
            {
                await content.ReadExactlyAsync(buffer.AsMemory(0, (int)length), cancellationToken);
                await WriteSmallAsync(place, buffer.AsMemory(0, (int)length), cancellationToken);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            return;
        }

        var upload = $"{place.Owner}/uploads/{Ids.New(time)}";
        await garbage.ExpectAsync(BlobStorage.Runs, upload, options.Value.UrlLifetime, cancellationToken);
        try
        {
            await using var hashing = new HashingStream(content, options.Value.MaxArtifactBytes);
            await storage.WriteAsync(BlobStorage.Runs, upload, hashing, cancellationToken);
            await CommitAsync(place, upload, hashing.Length, hashing.Hash(), cancellationToken);
        }
        finally
        {
            await storage.DeleteAsync(BlobStorage.Runs, upload, CancellationToken.None);
        }
    }

    // Three round trips. The hash is known before the bytes are stored, so they go where they belong at once; until they are referred to,
    // they are expected garbage.
    private async Task WriteSmallAsync(ArtifactPlace place, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var sha256 = SHA256.HashData(content.Span);
        var target = RunBlob.Name(place.Owner, Convert.ToHexStringLower(sha256), place.Path);
        await garbage.ExpectAsync(BlobStorage.Runs, target, options.Value.UrlLifetime, cancellationToken);
        await storage.WriteAsync(BlobStorage.Runs, target, new BinaryData(content), cancellationToken);
        var record = new DynamicParameters(Row(place, content.Length, sha256));
        record.Add("container", BlobStorage.Runs);
        record.Add("name", target);
        record.Add("due", garbage.DueAt);
        await database.InOneStatementAsync(
            connection => connection.ExecuteAsync(new CommandDefinition(
                $"""
                {GarbageQueue.AddFrom($"""
                SELECT @container, @owner || '/artifacts/' || encode(sha256, 'hex') || '/' || path, size_bytes, @due
                FROM {Table(place)} WHERE {Key(place)} = @owner AND path = @path AND sha256 <> @sha256 FOR UPDATE
                """)};
                {Insert(place)};
                {GarbageQueue.Take}
                """,
                record,
                cancellationToken: cancellationToken)),
            cancellationToken);
    }

    /// <summary>Records an uploaded blob as this file; the upload may be deleted afterwards.</summary>
    public async Task CommitAsync(ArtifactPlace place, string upload, long size, byte[] sha256, CancellationToken cancellationToken)
    {
        if (await storage.OpenVersionAsync(BlobStorage.Runs, upload, cancellationToken) is not { } blob)
        {
            throw MLflowException.Missing($"No such artifact: {place.Path}");
        }

        await blob.Content.DisposeAsync();
        if (!await TryCommitAsync(place, upload, blob.Tag, size, sha256, cancellationToken))
        {
            throw new MLflowException("RESOURCE_CONFLICT", $"The upload of {place.Path} changed while it was being stored.");
        }
    }

    /// <summary>Records one version of an uploaded blob as this file; false when the blob has changed meanwhile.</summary>
    public async Task<bool> TryCommitAsync(ArtifactPlace place, string upload, Azure.ETag tag, long size, byte[] sha256, CancellationToken cancellationToken)
    {
        var target = RunBlob.Name(place.Owner, Convert.ToHexStringLower(sha256), place.Path);
        await garbage.KeepAsync(BlobStorage.Runs, target, cancellationToken);
        if (!await storage.CopyAsync(BlobStorage.Runs, upload, target, tag, cancellationToken))
        {
            return false;
        }

        await database.InWorkAsync(
            async work =>
            {
                await ReplaceAsync(work, place, sha256);
                await work.ExecuteAsync(Insert(place), Row(place, size, sha256));
            },
            cancellationToken);
        return true;
    }

    /// <summary>Deletes a file, or everything in a folder. Its bytes go with the garbage, unless a model version refers to them.</summary>
    public Task DeleteAsync(ArtifactPlace place, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var gone = await work.QueryAsync<(string Path, byte[] Sha256, long Size)>(
                    $"DELETE FROM {Table(place)} WHERE {Key(place)} = @owner AND (path = @path OR @path = '' OR starts_with(path, @path || '/')) RETURNING path, sha256, size_bytes",
                    new { owner = place.Owner, path = place.Path });
                await garbage.AddAsync(work, BlobStorage.Runs, gone.ConvertAll(row => Blob(place.Owner, row.Path, row.Sha256, row.Size)));
            },
            cancellationToken);

    private static string Insert(ArtifactPlace place) => place.IsModel
        ? """
          INSERT INTO logged_model_artifacts (model_id, path, size_bytes, sha256, created_at) VALUES (@owner, @path, @size, @sha256, @now)
          ON CONFLICT (model_id, path) DO UPDATE SET size_bytes = excluded.size_bytes, sha256 = excluded.sha256, created_at = excluded.created_at
          """
        : """
          INSERT INTO artifacts (id, run_id, project_id, path, kind, size_bytes, sha256, created_at) VALUES (@id, @owner, @project, @path, 'file', @size, @sha256, @now)
          ON CONFLICT (run_id, path) DO UPDATE SET size_bytes = excluded.size_bytes, sha256 = excluded.sha256, created_at = excluded.created_at
          """;

    private object Row(ArtifactPlace place, long size, byte[] sha256)
        => new { id = Ids.New(time), owner = place.Owner, project = place.ProjectId, path = place.Path, size, sha256, now = time.GetUtcNow() };

    private async Task ReplaceAsync(UnitOfWork work, ArtifactPlace place, byte[] sha256)
    {
        if (!place.IsModel)
        {
            await artifacts.ReplaceAsync(work, place.Owner, place.Path, sha256);
            return;
        }

        var old = await work.QueryAsync<(byte[] Sha256, long Size)>(
            "SELECT sha256, size_bytes FROM logged_model_artifacts WHERE model_id = @owner AND path = @path AND sha256 <> @sha256 FOR UPDATE", new { owner = place.Owner, path = place.Path, sha256 });
        await garbage.AddAsync(work, BlobStorage.Runs, old.ConvertAll(row => Blob(place.Owner, place.Path, row.Sha256, row.Size)));
    }

    private static GarbageBlob Blob(string owner, string path, byte[] sha256, long size) => new(RunBlob.Name(owner, Convert.ToHexStringLower(sha256), path), size);

    private static string Table(ArtifactPlace place) => place.IsModel ? "logged_model_artifacts" : "artifacts";

    private static string Key(ArtifactPlace place) => place.IsModel ? "model_id" : "run_id";
}

/// <summary>Reads a stream, hashes what passes and refuses more than a limit.</summary>
internal sealed class HashingStream(Stream inner, long max) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _length;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    /// <summary>Bytes so far.</summary>
    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    /// <summary>The hash of what passed; ends the hashing.</summary>
    public byte[] Hash() => _hash.GetHashAndReset();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        _hash.AppendData(buffer.Span[..count]);
        _length += count;
        return _length <= max ? count : throw MLflowException.Invalid($"An artifact has at most {max} bytes.");
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _hash.Dispose();
        base.Dispose(disposing);
    }
}
