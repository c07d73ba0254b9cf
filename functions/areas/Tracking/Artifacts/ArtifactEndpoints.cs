using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>Routes of a run's artifacts: upload by SAS URL, commit, list, read.</summary>
internal static class ArtifactEndpoints
{
    private static readonly Dictionary<string, string> UploadHeaders = new(StringComparer.Ordinal) { ["x-ms-blob-type"] = "BlockBlob" };

    /// <summary>Maps the routes below a run's artifacts.</summary>
    public static void Map(RouteGroupBuilder artifacts)
    {
        artifacts.MapPost("/uploads", UploadAsync).RequireAction(TrackingActions.LogArtifact)
            .WithOperationId("createArtifactUpload").WithSummary("Ask where to put an artifact's bytes");
        artifacts.MapPost("/", CommitAsync).RequireAction(TrackingActions.LogArtifact).WithLongRequests()
            .WithOperationId("commitArtifact").WithSummary("Verify and record an uploaded artifact");
        artifacts.MapGet("/", ListAsync).RequireAction(TrackingActions.ReadArtifact)
            .WithOperationId("listArtifacts").WithSummary("List artifacts by path");
        artifacts.MapGet("/{**path}", GetAsync).RequireAction(TrackingActions.ReadArtifact)
            .WithOperationId("getArtifact").WithSummary("Get an artifact with a download URL");
    }

    private static async Task<Ok<ArtifactUpload>> UploadAsync(
        Reached<RunRow> run, ArtifactUploadRequest request, BlobStorage storage, GarbageQueue garbage, IOptions<ExperimentOptions> options,
        CancellationToken cancellationToken)
    {
        RunChecks.File(request.Path, request.Size, request.Sha256, options.Value);
        request = request with { Path = FilePath.Normal(request.Path) };
        var name = ArtifactRow.UploadName(run.Id, request.Sha256, request.Path);
        await garbage.ExpectAsync(BlobStorage.Runs, name, options.Value.UrlLifetime, cancellationToken);
        var url = await storage.UploadUrlAsync(BlobStorage.Runs, name, options.Value.UrlLifetime, cancellationToken);
        return TypedResults.Ok(new ArtifactUpload(url, UploadHeaders));
    }

    private static async Task<Ok<Artifact>> CommitAsync(
        Reached<RunRow> run, CommitArtifactRequest request, ArtifactStore store, UploadVerifier verifier, BlobStorage storage,
        GarbageQueue garbage, IOptions<ExperimentOptions> options, CancellationToken cancellationToken)
    {
        var hash = RunChecks.File(request.Path, request.Size, request.Sha256, options.Value);
        request = request with { Path = FilePath.Normal(request.Path) };
        Check.Range(request.Step ?? 0, "step", -1, long.MaxValue);
        Check.Range(request.Attempt ?? 1, "attempt", 1, int.MaxValue);
        Check.That(request.Metrics is null or { Count: <= 100 }, "metrics", "count", 0, 100);
        foreach (var key in request.Metrics?.Keys ?? [])
        {
            Check.Length(key, "metrics", 1, 250);
        }

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

        var artifact = await store.CommitAsync(run.Value, request, hash, cancellationToken);
        await storage.DeleteAsync(BlobStorage.Runs, upload, cancellationToken);
        return TypedResults.Ok(artifact.ToContract());
    }

    private static async Task<Ok<Page<Artifact>>> ListAsync(
        Reached<RunRow> run, string? kind, [AsParameters] PageRequest page, ArtifactStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(run.Id, EnumText.Parse<ArtifactKind>(kind, "kind"), page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, item => item.ToContract(), item => [item.Path]));
    }

    private static async Task<Ok<Artifact>> GetAsync(
        Reached<RunRow> run, string path, ArtifactStore store, BlobStorage storage, IOptions<ExperimentOptions> options,
        CancellationToken cancellationToken)
    {
        var artifact = await store.FindAsync(run.Id, FilePath.Normal(path), cancellationToken) ?? throw ApiException.NotFound("artifact", path);
        var url = await storage.DownloadUrlAsync(BlobStorage.Runs, artifact.Blob, artifact.Path, options.Value.UrlLifetime, cancellationToken);
        return TypedResults.Ok(artifact.ToContract() with { DownloadUrl = url });
    }
}
