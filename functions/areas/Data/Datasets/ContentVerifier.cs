using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets;

/// <summary>Reads uploads back, compares them with the manifest, and moves what is right to where no client can write.</summary>
internal sealed class ContentVerifier(
    BlobStorage storage, DatasetDraftStore drafts, ContentStore contents, ContentReader reader, IOptions<DatasetOptions> options, TimeProvider time)
{
    private const int MaxLooks = 3;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    /// <summary>Verifies and records the contents of a draft that the project does not have yet.</summary>
    /// <returns>False when there is more to do than <see cref="DatasetOptions.CommitSlice"/> allows: a repeat goes on.</returns>
    /// <exception cref="ApiException">422 <c>content_mismatch</c> naming the first file that is missing or wrong; a wrong upload is deleted.</exception>
    public async Task<bool> VerifyAsync(DatasetVersionRow version, CancellationToken cancellationToken)
    {
        var end = time.GetTimestamp() + (long)(options.Value.CommitSlice.TotalSeconds * time.TimestampFrequency);
        var (begun, left) = (0, 0);
        await Parallel.ForEachAsync(
            await drafts.ListMissingAsync(version, cancellationToken),
            new ParallelOptions { MaxDegreeOfParallelism = options.Value.VerifyConcurrency, CancellationToken = cancellationToken },
            async (file, token) =>
            {
                // Some begin whatever the time is: every repeat comes further.
                if (Interlocked.Increment(ref begun) > options.Value.VerifyConcurrency && time.GetTimestamp() > end)
                {
                    Interlocked.Increment(ref left);
                    return;
                }

                await VerifyAsync(version, file, token);
            });
        return left == 0;
    }

    /// <summary>Frees the uploads of files. Repeating it is harmless.</summary>
    public Task DeleteUploadsAsync(DatasetVersionRow version, IEnumerable<DatasetFileRow> files, CancellationToken cancellationToken)
        => Parallel.ForEachAsync(
            files,
            new ParallelOptions { MaxDegreeOfParallelism = options.Value.VerifyConcurrency, CancellationToken = cancellationToken },
            async (file, token) => await storage.DiscardAsync(BlobStorage.Datasets, ContentAddress.Upload(version.ProjectId, version.Id, file.Hex), token));

    private async Task VerifyAsync(DatasetVersionRow version, DatasetFileRow file, CancellationToken cancellationToken)
    {
        for (var look = 1; !await TryAsync(version, file, cancellationToken); look++)
        {
            // Another request may commit this very draft at the same time, and free its uploads.
            var missing = await drafts.ListMissingAsync(version, cancellationToken);
            if (!missing.Any(other => other.Hex == file.Hex))
            {
                return;
            }

            if (look == MaxLooks)
            {
                throw new ApiException(ErrorCodes.ContentMismatch, file.Path, "missing");
            }

            await Task.Delay(LookAgain, time, cancellationToken);
        }

        await storage.DeleteAsync(BlobStorage.Datasets, ContentAddress.Upload(version.ProjectId, version.Id, file.Hex), cancellationToken);
    }

    private async Task<bool> TryAsync(DatasetVersionRow version, DatasetFileRow file, CancellationToken cancellationToken)
    {
        var name = ContentAddress.Upload(version.ProjectId, version.Id, file.Hex);
        var upload = await storage.FindBlocksAsync(BlobStorage.Datasets, name, cancellationToken);
        var layout = upload is not null && file.Chunks is not null ? UploadLayout.Read(upload.Blocks, file.Chunks) : null;
        try
        {
            if (upload is not null && (layout is null || layout.IsWhole(file.Chunks!.Count)))
            {
                return await StoreWholeAsync(version, file, name, upload, cancellationToken);
            }

            return file.Chunks is not null && await StorePartsAsync(version, file, name, upload, layout, cancellationToken);
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.ContentMismatch)
        {
            await storage.DeleteAsync(BlobStorage.Datasets, name, cancellationToken);
            throw;
        }
    }

    private async Task<bool> StoreWholeAsync(DatasetVersionRow version, DatasetFileRow file, string name, BlobBlocks upload, CancellationToken cancellationToken)
    {
        // The size first: a client must not make us read an endless blob for a small file.
        if (upload.Length != file.SizeBytes)
        {
            throw new ApiException(ErrorCodes.ContentMismatch, file.Path, "size");
        }

        await using var stream = await storage.OpenRangeAsync(BlobStorage.Datasets, name, 0, upload.Length, upload.Tag, cancellationToken);
        if (stream is null)
        {
            return false;
        }

        var (sha256, chunks) = await ContentHashing.ReadAsync(stream, file.SizeBytes, file.Chunks, cancellationToken);
        if (!sha256.AsSpan().SequenceEqual(file.Sha256) || chunks is null)
        {
            throw new ApiException(ErrorCodes.ContentMismatch, file.Path, "sha256");
        }

        return await CopyAsync(version, name, upload.Tag, sha256, cancellationToken) is { } blob
            && await contents.RecordAsync(version, [new NewContent(sha256, file.SizeBytes, blob, [], chunks)], cancellationToken);
    }

    private async Task<bool> StorePartsAsync(
        DatasetVersionRow version, DatasetFileRow file, string name, BlobBlocks? upload, UploadLayout? layout, CancellationToken cancellationToken)
    {
        NewContent? pack = null;
        if (upload is not null && layout is not null)
        {
            await using var stream = await storage.OpenRangeAsync(BlobStorage.Datasets, name, 0, upload.Length, upload.Tag, cancellationToken);
            if (stream is null)
            {
                return false;
            }

            var (sha256, chunks) = await ContentHashing.ReadAsync(stream, upload.Length, [.. layout.Order.Select(index => file.Chunks![index])], cancellationToken);
            pack = new NewContent(sha256, upload.Length, null, [], chunks ?? throw new ApiException(ErrorCodes.ContentMismatch, file.Path, "sha256"));
        }

        var known = await drafts.FindChunksAsync(version.ProjectId, file.Chunks!, cancellationToken);
        if (ContentAssembly.Parts(version.ProjectId, file.Chunks!, layout, pack?.Sha256, name, known) is not { } parts)
        {
            return false;
        }

        // The whole file once more, in order: its own hash must be right, too.
        var whole = new StoredContent(version.ProjectId, file.Hex, file.SizeBytes, IsWhole: false, [.. parts.Select(part => part.Bytes)]);
        await using (var stream = reader.Open(whole))
        {
            var (sha256, _) = await ContentHashing.ReadAsync(stream, file.SizeBytes, [], cancellationToken);
            if (!sha256.AsSpan().SequenceEqual(file.Sha256))
            {
                throw new ApiException(ErrorCodes.ContentMismatch, file.Path, "sha256");
            }
        }

        List<NewContent> made = [new NewContent(file.Sha256, file.SizeBytes, null, [.. parts.Select(part => part.Part)], [])];
        if (pack is not null)
        {
            if (await CopyAsync(version, name, upload!.Tag, pack.Sha256, cancellationToken) is not { } blob)
            {
                return false;
            }

            made.Insert(0, pack with { Blob = blob });
        }

        return await contents.RecordAsync(version, made, cancellationToken);
    }

    // Copies exactly what was read: an upload that changed meanwhile is not copied.
    private async Task<string?> CopyAsync(DatasetVersionRow version, string upload, Azure.ETag tag, byte[] sha256, CancellationToken cancellationToken)
    {
        var blob = await contents.NewBlobAsync(version.ProjectId, Convert.ToHexStringLower(sha256), cancellationToken);
        return await storage.CopyAsync(BlobStorage.Datasets, upload, blob, tag, cancellationToken) ? blob : null;
    }
}
