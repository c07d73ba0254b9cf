using AiPlatform.Contracts;
using AiPlatform.Functions.Infrastructure;
using Microsoft.Extensions.Options;

namespace AiPlatform.Functions.Features.Datasets;

/// <summary>Reads uploads back, compares them with the manifest, and moves what is right to where no client can write.</summary>
internal sealed class ContentVerifier(BlobStorage storage, UploadVerifier verifier, DatasetVersionStore store, IOptions<DatasetOptions> options, TimeProvider time)
{
    private const int MaxLooks = 3;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    /// <summary>Verifies every content of a draft that the project has not verified yet.</summary>
    /// <returns>What was verified now.</returns>
    /// <exception cref="ApiException">422 <c>content_mismatch</c> naming the first file that is missing or wrong; a wrong upload is deleted.</exception>
    public async Task<IReadOnlyList<DatasetFileRow>> VerifyAsync(DatasetVersionRow version, CancellationToken cancellationToken)
    {
        var missing = await store.ListMissingAsync(version, cancellationToken);
        await Parallel.ForEachAsync(
            missing,
            new ParallelOptions { MaxDegreeOfParallelism = options.Value.VerifyConcurrency, CancellationToken = cancellationToken },
            async (file, token) => await VerifyAsync(version, file, token));
        return missing;
    }

    /// <summary>Frees the uploads of a committed draft. Whatever a crash leaves behind here is harmless.</summary>
    public Task DeleteUploadsAsync(DatasetVersionRow version, IEnumerable<DatasetFileRow> files, CancellationToken cancellationToken)
        => Parallel.ForEachAsync(
            files,
            new ParallelOptions { MaxDegreeOfParallelism = options.Value.VerifyConcurrency, CancellationToken = cancellationToken },
            async (file, token) => await storage.DeleteAsync(BlobStorage.Datasets, ContentAddress.Upload(version.ProjectId, version.Id, file.Hex), token));

    private async Task VerifyAsync(DatasetVersionRow version, DatasetFileRow file, CancellationToken cancellationToken)
    {
        var upload = ContentAddress.Upload(version.ProjectId, version.Id, file.Hex);
        var target = ContentAddress.Verified(version.ProjectId, file.Hex);
        for (var look = 1; ; look++)
        {
            if (await verifier.VerifyAsync(BlobStorage.Datasets, upload, target, file.Path, file.SizeBytes, file.Sha256, cancellationToken))
            {
                return;
            }

            // Another request may commit this very draft at the same time, and free its uploads.
            var missing = await store.ListMissingAsync(version, cancellationToken);
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
    }
}
