using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>Takes artifacts: a place for the bytes, and their record when they are what was announced.</summary>
internal sealed class ArtifactUploads(
    ArtifactStore store, UploadVerifier verifier, BlobStorage storage, GarbageQueue garbage, IOptions<ExperimentOptions> options)
{
    private static readonly Dictionary<string, string> UploadHeaders = new(StringComparer.Ordinal) { ["x-ms-blob-type"] = "BlockBlob" };

    /// <summary>Where the bytes of an artifact go.</summary>
    /// <exception cref="ApiException">400.</exception>
    public async Task<ArtifactUpload> BeginAsync(string runId, ArtifactUploadRequest request, CancellationToken cancellationToken)
    {
        RunChecks.File(request.Path, request.Size, request.Sha256, options.Value);
        request = request with { Path = FilePath.Normal(request.Path) };
        var name = ArtifactRow.UploadName(runId, request.Sha256, request.Path);
        await garbage.ExpectAsync(BlobStorage.Runs, name, options.Value.UrlLifetime, cancellationToken);
        var url = await storage.UploadUrlAsync(BlobStorage.Runs, name, options.Value.UrlLifetime, cancellationToken);
        return new ArtifactUpload(url, UploadHeaders);
    }

    /// <summary>Verifies the bytes and records them under their path.</summary>
    /// <exception cref="ApiException">400; 422 <c>content_mismatch</c>.</exception>
    public async Task<ArtifactRow> CommitAsync(RunRow run, CommitArtifactRequest request, CancellationToken cancellationToken)
    {
        var hash = RunChecks.File(request.Path, request.Size, request.Sha256, options.Value);
        request = request with { Path = FilePath.Normal(request.Path) };
        var known = await store.FindAsync(run.Id, request.Path, cancellationToken);
        var upload = ArtifactRow.UploadName(run.Id, request.Sha256, request.Path);
        if (known is null || !known.Sha256.AsSpan().SequenceEqual(hash))
        {
            var target = RunBlob.Name(run.Id, request.Sha256, request.Path);
            await garbage.KeepAsync(BlobStorage.Runs, target, cancellationToken);
            if (!await verifier.VerifyAsync(BlobStorage.Runs, upload, target, request.Path, request.Size, hash, cancellationToken)
                && await storage.LengthAsync(BlobStorage.Runs, target, cancellationToken) is null)
            {
                throw new ApiException(ErrorCodes.ContentMismatch, request.Path, "missing");
            }
        }

        var artifact = await store.CommitAsync(run, request, hash, cancellationToken);
        await storage.DeleteAsync(BlobStorage.Runs, upload, cancellationToken);
        return artifact;
    }
}
