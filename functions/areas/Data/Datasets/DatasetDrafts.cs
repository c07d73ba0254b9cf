using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets;

/// <summary>Drafts versions and says where the bytes go that are not stored yet.</summary>
internal sealed class DatasetDrafts(DatasetVersionStore versions, DatasetDraftStore store, BlobStorage storage, IOptions<DatasetOptions> options)
{
    private static readonly Dictionary<string, string> UploadHeaders = new(StringComparer.Ordinal) { ["x-ms-blob-type"] = "BlockBlob" };

    /// <summary>Drafts a version, from nothing or from what changes in another.</summary>
    /// <exception cref="ApiException">400; 404 or 409 for the parent.</exception>
    public async Task<DatasetVersionDraft> DraftAsync(DatasetRow dataset, CreateDatasetVersionRequest request, Caller caller, CancellationToken cancellationToken)
    {
        var parent = request.Parent is { } number ? await versions.GetReadyAsync(dataset.ProjectId, dataset.Id, number, cancellationToken) : null;
        var manifest = Manifest.Parse(request, parent is null ? null : await versions.ListAllFilesAsync(parent.Id, cancellationToken), options.Value);
        return await WithUploadsAsync(await store.DraftAsync(dataset, manifest, request, caller, cancellationToken), cancellationToken);
    }

    /// <summary>A draft with upload URLs for what is still missing.</summary>
    public async Task<DatasetVersionDraft> WithUploadsAsync(DatasetVersionRow version, CancellationToken cancellationToken)
    {
        var uploads = new List<FileUpload>();
        foreach (var file in await store.ListMissingAsync(version, cancellationToken))
        {
            IReadOnlyList<ChunkRange>? missing = null;
            if (file.Chunks is { } chunks)
            {
                var known = await store.FindChunksAsync(version.ProjectId, chunks, cancellationToken);
                missing = MissingChunks.Of(chunks, known.ContainsKey);
                if (missing is { Count: 0 })
                {
                    continue;
                }
            }

            var url = await storage.BlockUploadUrlAsync(
                BlobStorage.Datasets, ContentAddress.Upload(version.ProjectId, version.Id, file.Hex), options.Value.UploadUrlLifetime, cancellationToken);
            uploads.Add(new FileUpload(file.Path, url, UploadHeaders, missing));
        }

        return new DatasetVersionDraft(version.ToContract(), uploads);
    }
}
