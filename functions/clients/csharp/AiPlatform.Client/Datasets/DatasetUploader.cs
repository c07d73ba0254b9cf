using System.Security.Cryptography;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Client.Datasets;

/// <summary>
/// Uploads files as a new version: hashes them, drafts the version, sends what the project does not have straight to the storage in
/// parallel blocks, and commits. Run again after any interruption, with the same files, it goes on with the same draft and sends only
/// what is not there: nothing is kept on this side. Memory does not grow with the files.
/// </summary>
/// <param name="api">The API.</param>
/// <param name="storage">For SAS URLs; it must send no token of the API.</param>
public sealed class DatasetUploader(AiPlatformClient api, HttpClient storage)
{
    private const int ReadBytes = 1 << 20;
    private const int MaxRounds = 5;
    private static readonly TimeSpan CommitPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Makes the version.</summary>
    /// <param name="files">At most 10,000.</param>
    /// <exception cref="ApiException">The API refused; nothing is half stored, a draft may be left to go on with.</exception>
    public async Task<DatasetVersion> UploadAsync(
        string project, string dataset, IReadOnlyList<IUploadItem> files, UploadSettings settings, IProgress<UploadProgress>? progress, CancellationToken cancellationToken)
    {
        var manifest = await HashAsync(files, progress, cancellationToken).ConfigureAwait(false);
        var request = new CreateDatasetVersionRequest(manifest, settings.Description, settings.Parent, settings.Remove, settings.Tags);
        var draft = await api.CreateDatasetVersionAsync(project, dataset, request, cancellationToken).ConfigureAwait(false);
        if (settings.OnDraftAsync is { } onDraft)
        {
            await onDraft(draft.Version, cancellationToken).ConfigureAwait(false);
        }

        var byPath = files.Zip(manifest, static (item, file) => (Item: item, File: file)).ToDictionary(static pair => pair.File.Path, StringComparer.Ordinal);
        for (var round = 1; ; round++)
        {
            await SendAsync(draft.Uploads, byPath, settings, progress, cancellationToken).ConfigureAwait(false);
            try
            {
                var version = await CommitAsync(project, dataset, draft.Version, progress, cancellationToken).ConfigureAwait(false);
                progress?.Report(new UploadProgress(UploadStage.Done, version.TotalSize, version.TotalSize));
                return version;
            }
            catch (ApiException exception) when (exception.Code == ErrorCodes.ContentMismatch && round < MaxRounds)
            {
                // A shared chunk was freed meanwhile, or the storage lost what it had: ask again what is missing.
                draft = await api.RenewDatasetUploadsAsync(project, dataset, draft.Version.Version, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Reads files for their sizes, hashes and chunks.</summary>
    public static async Task<IReadOnlyList<DatasetFile>> HashAsync(IReadOnlyList<IUploadItem> files, IProgress<UploadProgress>? progress, CancellationToken cancellationToken)
    {
        var total = files.Sum(static file => file.Size);
        var done = 0L;
        var hashed = new DatasetFile[files.Count];
        await Parallel.ForAsync(0, files.Count, new ParallelOptions { MaxDegreeOfParallelism = Math.Clamp(Environment.ProcessorCount, 1, 4), CancellationToken = cancellationToken }, async (i, token) =>
        {
            hashed[i] = await HashAsync(files[i], Count, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return hashed;

        void Count(int bytes) => progress?.Report(new UploadProgress(UploadStage.Hashing, Interlocked.Add(ref done, bytes), total));
    }

    private static async Task<DatasetFile> HashAsync(IUploadItem item, Action<int> count, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var chunker = item.Size >= ContentChunker.Threshold ? new ContentChunker(item.Size) : null;
        var buffer = new byte[(int)Math.Clamp(item.Size, 1, ReadBytes)];
        var size = 0L;
        await using var stream = await item.OpenAsync(cancellationToken).ConfigureAwait(false);
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            // Both hashes are work of their own: side by side they use two cores.
            var piece = buffer.AsMemory(0, read);
            var whole = chunker is null ? Task.CompletedTask : Task.Run(() => chunker.Append(piece.Span), CancellationToken.None);
            hash.AppendData(piece.Span);
            await whole.ConfigureAwait(false);
            size += read;
            count(read);
        }

        var chunks = chunker?.Finish();
        return new DatasetFile(FilePath.Normal(item.Path), size, Convert.ToHexStringLower(hash.GetHashAndReset()), chunks is null ? null : ChunkList.ToText(chunks));
    }

    private async Task SendAsync(
        IReadOnlyList<FileUpload> uploads, Dictionary<string, (IUploadItem Item, DatasetFile File)> files, UploadSettings settings, IProgress<UploadProgress>? progress,
        CancellationToken cancellationToken)
    {
        var plans = uploads.Select(upload => new FileTransfer(files[upload.Path].Item, files[upload.Path].File, upload)).ToList();
        var total = plans.Sum(static plan => plan.Bytes);
        var done = 0L;
        progress?.Report(new UploadProgress(UploadStage.Sending, 0, total));
        var client = new BlockClient(storage, settings.MaxAttempts);
        using var slots = new SemaphoreSlim(settings.Parallelism);
        await Parallel.ForEachAsync(plans, new ParallelOptions { MaxDegreeOfParallelism = settings.Parallelism, CancellationToken = cancellationToken }, async (plan, token) =>
        {
            await plan.RunAsync(client, slots, Count, token).ConfigureAwait(false);
        }).ConfigureAwait(false);

        void Count(long bytes) => progress?.Report(new UploadProgress(UploadStage.Sending, Interlocked.Add(ref done, bytes), total));
    }

    private async Task<DatasetVersion> CommitAsync(
        string project, string dataset, DatasetVersion draft, IProgress<UploadProgress>? progress, CancellationToken cancellationToken)
    {
        progress?.Report(new UploadProgress(UploadStage.Verifying, 0, draft.TotalSize));
        while (true)
        {
            var version = await api.CommitDatasetVersionAsync(project, dataset, draft.Version, cancellationToken).ConfigureAwait(false);
            if (version.Status == DatasetVersionStatus.Ready)
            {
                return version;
            }

            await Task.Delay(CommitPause, cancellationToken).ConfigureAwait(false);
        }
    }
}
