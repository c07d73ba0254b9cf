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
        artifacts.MapPost("/uploads", UploadAsync).RequirePermission(Permission.WriteRun)
            .WithOperationId("createArtifactUpload").WithSummary("Ask where to put an artifact's bytes");
        artifacts.MapPost("/", CommitAsync).RequirePermission(Permission.WriteRun).WithLongRequests()
            .WithOperationId("commitArtifact").WithSummary("Verify and record an uploaded artifact");
        artifacts.MapGet("/", ListAsync).RequirePermission(Permission.ReadRun)
            .WithOperationId("listArtifacts").WithSummary("List artifacts by path");
        artifacts.MapGet("/{**path}", GetAsync).RequirePermission(Permission.ReadRun)
            .WithOperationId("getArtifact").WithSummary("Get an artifact with a download URL");
    }

    private static async Task<Ok<ArtifactUpload>> UploadAsync(
        string run, ArtifactUploadRequest request, Caller caller, RunAccess access, BlobStorage storage, GarbageQueue garbage, IOptions<ExperimentOptions> options,
        CancellationToken cancellationToken)
    {
        RunChecks.File(request.Path, request.Size, request.Sha256, options.Value);
        request = request with { Path = FilePath.Normal(request.Path) };
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var name = ArtifactRow.UploadName(row.Id, request.Sha256, request.Path);
        await garbage.ExpectAsync(BlobStorage.Runs, name, options.Value.UrlLifetime, cancellationToken);
        var url = await storage.UploadUrlAsync(BlobStorage.Runs, name, options.Value.UrlLifetime, cancellationToken);
        return TypedResults.Ok(new ArtifactUpload(url, UploadHeaders));
    }

    private static async Task<Ok<Artifact>> CommitAsync(
        string run, CommitArtifactRequest request, Caller caller, RunAccess access, ArtifactStore store, UploadVerifier verifier, BlobStorage storage,
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

        var row = await access.RequireAsync(run, caller, cancellationToken);
        var known = await store.FindAsync(row.Id, request.Path, cancellationToken);
        var upload = ArtifactRow.UploadName(row.Id, request.Sha256, request.Path);
        if (known is null || !known.Sha256.AsSpan().SequenceEqual(hash))
        {
            var target = RunBlob.Name(row.Id, request.Sha256, request.Path);
            await garbage.KeepAsync(BlobStorage.Runs, target, cancellationToken);
            if (!await verifier.VerifyAsync(BlobStorage.Runs, upload, target, request.Path, request.Size, hash, cancellationToken)
                && await storage.LengthAsync(BlobStorage.Runs, target, cancellationToken) is null)
            {
                throw new ApiException(ErrorCodes.ContentMismatch, request.Path, "missing");
            }
        }

        var artifact = await store.CommitAsync(row, request, hash, cancellationToken);
        await storage.DeleteAsync(BlobStorage.Runs, upload, cancellationToken);
        return TypedResults.Ok(artifact.ToContract());
    }

    private static async Task<Ok<Page<Artifact>>> ListAsync(
        string run, string? kind, [AsParameters] PageRequest page, Caller caller, RunAccess access, ArtifactStore store, CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var rows = await store.ListAsync(row.Id, EnumText.Parse<ArtifactKind>(kind, "kind"), page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, item => item.ToContract(), item => [item.Path]));
    }

    private static async Task<Ok<Artifact>> GetAsync(
        string run, string path, Caller caller, RunAccess access, ArtifactStore store, BlobStorage storage, IOptions<ExperimentOptions> options,
        CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var artifact = await store.FindAsync(row.Id, FilePath.Normal(path), cancellationToken) ?? throw ApiException.NotFound("artifact", path);
        var url = await storage.DownloadUrlAsync(BlobStorage.Runs, artifact.Blob, artifact.Path, options.Value.UrlLifetime, cancellationToken);
        return TypedResults.Ok(artifact.ToContract() with { DownloadUrl = url });
    }
}
