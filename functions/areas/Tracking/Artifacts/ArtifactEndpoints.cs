using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
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
    /// <summary>Maps the routes below a run's artifacts.</summary>
    public static void Map(RouteGroupBuilder artifacts)
    {
        artifacts.MapPost("/uploads", UploadAsync).RequireAction(TrackingActions.LogArtifact)
            .Describe("createArtifactUpload", "Ask where to put an artifact's bytes");
        artifacts.MapPost("/", CommitAsync).RequireAction(TrackingActions.LogArtifact).WithLongRequests()
            .Describe("commitArtifact", "Verify and record an uploaded artifact");
        artifacts.MapGet("/", ListAsync).RequireAction(TrackingActions.ReadArtifact)
            .Describe("listArtifacts", "List artifacts by path");
        artifacts.MapGet("/{**path}", GetAsync).RequireAction(TrackingActions.ReadArtifact)
            .Describe("getArtifact", "Get an artifact with a download URL");
    }

    private static async Task<Ok<ArtifactUpload>> UploadAsync(
        Reached<RunRow> run, ArtifactUploadRequest request, ArtifactUploads uploads, CancellationToken cancellationToken)
        => TypedResults.Ok(await uploads.BeginAsync(run.Id, request, cancellationToken));

    private static async Task<Ok<Artifact>> CommitAsync(
        Reached<RunRow> run, CommitArtifactRequest request, ArtifactUploads uploads, CancellationToken cancellationToken)
    {
        Check.Range(request.Step ?? 0, "step", -1, long.MaxValue);
        Check.Range(request.Attempt ?? 1, "attempt", 1, int.MaxValue);
        Check.That(request.Metrics is null or { Count: <= 100 }, "metrics", "count", 0, 100);
        foreach (var key in request.Metrics?.Keys ?? [])
        {
            Check.Length(key, "metrics", 1, 250);
        }

        return TypedResults.Ok((await uploads.CommitAsync(run.Value, request, cancellationToken)).ToContract());
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
