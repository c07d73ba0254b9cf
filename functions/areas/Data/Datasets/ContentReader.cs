using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets;

/// <summary>Finds verified contents and reads them, whether they are one blob or put together from parts of several.</summary>
internal sealed class ContentReader(Database database, BlobStorage storage, ContentLinks links, IOptions<DatasetOptions> options)
{
    /// <summary>The contents of a project with these hashes, by hash in hex; what is not there is left out.</summary>
    public async Task<IReadOnlyDictionary<string, StoredContent>> FindAsync(string projectId, IEnumerable<byte[]> hashes, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<PartRow>(new CommandDefinition(
            """
            SELECT c.sha256, c.size_bytes, coalesce(b.sha256, c.sha256) AS blob_sha256, CASE WHEN p.sha256 IS NULL THEN c.blob ELSE b.blob END AS blob,
                p.part_offset, p.length
            FROM dataset_contents c
            LEFT JOIN dataset_content_parts p ON p.project_id = c.project_id AND p.sha256 = c.sha256
            LEFT JOIN dataset_contents b ON b.project_id = p.project_id AND b.sha256 = p.part_sha256
            WHERE c.project_id = @projectId AND c.sha256 = ANY(@hashes)
            ORDER BY c.sha256, p.position
            """,
            new { projectId, hashes = hashes.ToArray() },
            cancellationToken: cancellationToken));
        return rows.GroupBy(row => Convert.ToHexStringLower(row.Sha256), StringComparer.Ordinal).ToDictionary(
            group => group.Key,
            group =>
            {
                var first = group.First();
                var parts = group.Select(row => new ContentPart(
                    row.Blob ?? ContentAddress.Before(projectId, Convert.ToHexStringLower(row.BlobSha256)), row.PartOffset ?? 0, row.Length ?? row.SizeBytes));
                return new StoredContent(projectId, group.Key, first.SizeBytes, first.PartOffset is null, [.. parts]);
            },
            StringComparer.Ordinal);
    }

    /// <summary>One content.</summary>
    /// <exception cref="ApiException">404: it was freed meanwhile.</exception>
    public async Task<StoredContent> GetAsync(string projectId, byte[] sha256, CancellationToken cancellationToken)
        => (await FindAsync(projectId, [sha256], cancellationToken)).Values.FirstOrDefault() ?? throw ApiException.NotFound("content", Convert.ToHexStringLower(sha256));

    /// <summary>The bytes of a content: a stream that reads forward and can seek; nothing is read before it is asked for.</summary>
    public Stream Open(StoredContent content) => new ContentStream(storage, content);

    /// <summary>Reads bytes at an offset, and only those; fewer than the buffer holds only at the end.</summary>
    public async ValueTask<int> ReadAsync(StoredContent content, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var (start, done) = (0L, 0);
        foreach (var part in content.Parts)
        {
            var skip = offset + done - start;
            var wanted = (int)Math.Min(buffer.Length - done, part.Length - skip);
            if (skip >= 0 && wanted > 0)
            {
                await using var stream = await storage.OpenReadAsync(BlobStorage.Datasets, part.Blob, part.Offset + skip, wanted, cancellationToken)
                    ?? throw new IOException($"A blob of content {content.Sha256} is missing.");
                await stream.ReadExactlyAsync(buffer.Slice(done, wanted), cancellationToken);
                done += wanted;
            }

            start += part.Length;
        }

        return done;
    }

    /// <summary>Files of a version with URLs to read them, for whoever asks the API.</summary>
    /// <param name="origin">Scheme and host of the API as the caller sees it.</param>
    public Task<IReadOnlyList<FileDownload>> DownloadsAsync(
        string projectId, IReadOnlyCollection<DatasetFileRow> files, string origin, CancellationToken cancellationToken)
        => DownloadsAsync(projectId, files, origin, options.Value.DownloadUrlLifetime, cancellationToken);

    /// <summary>As the other overload, with URLs that work for so long.</summary>
    public async Task<IReadOnlyList<FileDownload>> DownloadsAsync(
        string projectId, IReadOnlyCollection<DatasetFileRow> files, string origin, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var contents = await FindAsync(projectId, files.Select(file => file.Sha256), cancellationToken);
        var downloads = new List<FileDownload>(files.Count);
        foreach (var file in files)
        {
            var content = contents.TryGetValue(file.Hex, out var found) ? found : throw ApiException.NotFound("content", file.Path);
            downloads.Add(await DownloadAsync(file, content, origin, lifetime, cancellationToken));
        }

        return downloads;
    }

    private async Task<FileDownload> DownloadAsync(DatasetFileRow file, StoredContent content, string origin, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        if (content.IsWhole)
        {
            var url = await storage.DownloadUrlAsync(BlobStorage.Datasets, content.Parts[0].Blob, file.Path, lifetime, cancellationToken);
            return new FileDownload(file.Path, file.SizeBytes, file.Hex, url);
        }

        var urls = new Dictionary<string, string>(StringComparer.Ordinal);
        var parts = new List<DownloadPart>(content.Parts.Count);
        foreach (var part in content.Parts)
        {
            if (!urls.TryGetValue(part.Blob, out var url))
            {
                urls[part.Blob] = url = await storage.DownloadUrlAsync(BlobStorage.Datasets, part.Blob, file.Path, lifetime, cancellationToken);
            }

            parts.Add(new DownloadPart(url, part.Offset, part.Length));
        }

        return new FileDownload(file.Path, file.SizeBytes, file.Hex, links.Url(origin, content, file.Path, lifetime), parts);
    }

    private sealed class PartRow
    {
        public required byte[] Sha256 { get; init; }

        public long SizeBytes { get; init; }

        public required byte[] BlobSha256 { get; init; }

        public string? Blob { get; init; }

        public long? PartOffset { get; init; }

        public long? Length { get; init; }
    }
}
