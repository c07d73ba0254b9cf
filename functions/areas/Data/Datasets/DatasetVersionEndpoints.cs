using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets;

/// <summary>Routes of dataset versions: draft, upload, commit, change, delete.</summary>
internal static class DatasetVersionEndpoints
{
    /// <summary>A manifest of 10,000 long paths, or the chunks of 100 GB.</summary>
    private const long MaxManifestBytes = 32 * 1024 * 1024;

    private const int MaxDescription = 2_000;

    private static readonly Dictionary<string, string> UploadHeaders = new(StringComparer.Ordinal) { ["x-ms-blob-type"] = "BlockBlob" };

    /// <summary>Maps the routes below a dataset.</summary>
    public static void Map(RouteGroupBuilder versions)
    {
        versions.MapPost("/", DraftAsync).RequirePermission(Permission.Write).WithIdempotency().WithBodyLimit(MaxManifestBytes)
            .WithOperationId("createDatasetVersion").WithSummary("Draft a version and get upload URLs for what is not stored yet");
        versions.MapGet("/", ListAsync).RequirePermission(Permission.Read)
            .WithOperationId("listDatasetVersions").WithSummary("List versions, newest first");
        versions.MapGet("/{version:int}", GetAsync).RequirePermission(Permission.Read)
            .WithOperationId("getDatasetVersion").WithSummary("Get a version");
        versions.MapPatch("/{version:int}", UpdateAsync).RequirePermission(Permission.Write)
            .WithOperationId("updateDatasetVersion").WithIfMatch().WithSummary("Change a version's description and tags; honours If-Match");
        versions.MapDelete("/{version:int}", DeleteAsync).RequirePermission(Permission.Write)
            .WithOperationId("deleteDatasetVersion").WithSummary("Delete a version that nothing uses; force is for administrators");
        versions.MapPost("/{version:int}/restore", RestoreAsync).RequirePermission(Permission.Write)
            .WithOperationId("restoreDatasetVersion").WithSummary("Restore a deleted version");
        versions.MapPost("/{version:int}/uploads", RenewUploadsAsync).RequirePermission(Permission.Write)
            .WithOperationId("renewDatasetUploads").WithSummary("Get fresh upload URLs for a draft");
        versions.MapPost("/{version:int}/commit", CommitAsync).RequirePermission(Permission.Write).WithLongRequests()
            .WithOperationId("commitDatasetVersion").WithSummary("Verify the uploads and make the version immutable; 202 when there is more to verify: repeat it");
        DatasetFileEndpoints.Map(versions);
    }

    private static async Task<Created<DatasetVersionDraft>> DraftAsync(
        string project, string dataset, CreateDatasetVersionRequest request, Caller caller, ProjectAccess projects, DatasetStore datasets,
        DatasetVersionStore versions, DatasetDraftStore drafts, BlobStorage storage, IOptions<DatasetOptions> options, CancellationToken cancellationToken)
    {
        Check.Text(request.Description, "description", MaxDescription);
        Check.That(request.Remove is null || request.Parent is not null, "parent", "required");
        DatasetTags.ToJson(request.Tags);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await datasets.GetAsync(projectId, dataset, cancellationToken);
        var parent = request.Parent is { } number ? await versions.GetReadyAsync(projectId, dataset, number, cancellationToken) : null;
        var manifest = Manifest.Parse(request, parent is null ? null : await versions.ListAllFilesAsync(parent.Id, cancellationToken), options.Value);
        var version = await drafts.DraftAsync(row, manifest, request, caller, cancellationToken);
        var draft = await WithUploadsAsync(version, drafts, storage, options.Value, cancellationToken);
        return TypedResults.Created($"/v1/projects/{projectId}/datasets/{row.Id}/versions/{version.Version}", draft);
    }

    /// <summary>Fresh upload URLs for what is still missing: how an interrupted upload goes on.</summary>
    private static async Task<Ok<DatasetVersionDraft>> RenewUploadsAsync(
        string project, string dataset, int version, Caller caller, ProjectAccess projects, DatasetVersionStore versions, DatasetDraftStore drafts,
        BlobStorage storage, IOptions<DatasetOptions> options, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetAsync(projectId, dataset, version, cancellationToken);
        if (row.Status != DatasetVersionStatus.Draft)
        {
            throw ApiException.IllegalTransition("datasetVersion", row.Status.ToText(), DatasetVersionStatus.Draft.ToText());
        }

        return TypedResults.Ok(await WithUploadsAsync(row, drafts, storage, options.Value, cancellationToken));
    }

    private static async Task<Ok<Page<DatasetVersion>>> ListAsync(
        string project, string dataset, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, DatasetStore datasets,
        DatasetVersionStore versions, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await datasets.GetAsync(projectId, dataset, cancellationToken);
        int? before = page.Key() is not { } key ? null : int.TryParse(key, out var number) ? number : throw new ApiException(ErrorCodes.InvalidPageToken);
        var rows = await versions.ListAsync(row.Id, before, page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, item => item.ToContract(), item => [$"{item.Version}"]));
    }

    private static async Task<Ok<DatasetVersion>> GetAsync(
        string project, string dataset, int version, Caller caller, HttpResponse response, ProjectAccess projects, DatasetVersionStore versions,
        CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        return Show(response, await versions.GetAsync(projectId, dataset, version, cancellationToken));
    }

    private static async Task<Ok<DatasetVersion>> UpdateAsync(
        string project, string dataset, int version, UpdateDatasetVersionRequest request, Caller caller, HttpRequest http, HttpResponse response,
        ProjectAccess projects, DatasetVersionStore versions, CancellationToken cancellationToken)
    {
        Check.Text(request.Description, "description", MaxDescription);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        return Show(response, await versions.UpdateAsync(projectId, dataset, version, request, ETag.Expected(http), cancellationToken));
    }

    private static async Task<NoContent> DeleteAsync(
        string project, string dataset, int version, bool? force, Caller caller, ProjectAccess projects, DatasetVersionStore versions, DatasetRemoval removal,
        DraftSweep sweep, CancellationToken cancellationToken)
    {
        RequireMayForce(force, caller);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetAsync(projectId, dataset, version, cancellationToken);
        await (row.Status == DatasetVersionStatus.Draft
            ? sweep.DeleteAsync(row, cancellationToken)
            : removal.DeleteVersionAsync(row, $"{dataset}@{version}", force ?? false, cancellationToken));
        return TypedResults.NoContent();
    }

    private static async Task<Ok<DatasetVersion>> RestoreAsync(
        string project, string dataset, int version, Caller caller, HttpResponse response, ProjectAccess projects, DatasetVersionStore versions, DatasetRemoval removal,
        CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        await removal.RestoreVersionAsync(projectId, dataset, version, cancellationToken);
        return Show(response, await versions.GetAsync(projectId, dataset, version, cancellationToken));
    }

    private static async Task<Results<Ok<DatasetVersion>, Accepted<DatasetVersion>>> CommitAsync(
        string project, string dataset, int version, Caller caller, HttpResponse response, ProjectAccess projects, DatasetVersionStore versions,
        ContentVerifier verifier, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetAsync(projectId, dataset, version, cancellationToken);
        if (row.Status == DatasetVersionStatus.Ready)
        {
            return Show(response, row);
        }

        // A content that the collector took between the two steps is missing: the repeat asks for it again.
        if (await verifier.VerifyAsync(row, cancellationToken) && await versions.CommitAsync(row, cancellationToken) is { } ready)
        {
            return Show(response, ready);
        }

        response.Headers.RetryAfter = "1";
        return TypedResults.Accepted((string?)null, row.ToContract());
    }

    /// <summary>403 unless the caller may delete what is in use.</summary>
    public static void RequireMayForce(bool? force, Caller caller)
    {
        if (force == true && caller.Role != CallerRole.Administrator)
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }
    }

    private static Ok<DatasetVersion> Show(HttpResponse response, DatasetVersionRow row)
    {
        ETag.Set(response, row.RowVersion);
        return TypedResults.Ok(row.ToContract());
    }

    private static async Task<DatasetVersionDraft> WithUploadsAsync(
        DatasetVersionRow version, DatasetDraftStore drafts, BlobStorage storage, DatasetOptions options, CancellationToken cancellationToken)
    {
        var uploads = new List<FileUpload>();
        foreach (var file in await drafts.ListMissingAsync(version, cancellationToken))
        {
            IReadOnlyList<ChunkRange>? missing = null;
            if (file.Chunks is { } chunks)
            {
                var known = await drafts.FindChunksAsync(version.ProjectId, chunks, cancellationToken);
                missing = MissingChunks.Of(chunks, known.ContainsKey);
                if (missing is { Count: 0 })
                {
                    continue;
                }
            }

            var url = await storage.BlockUploadUrlAsync(
                BlobStorage.Datasets, ContentAddress.Upload(version.ProjectId, version.Id, file.Hex), options.UploadUrlLifetime, cancellationToken);
            uploads.Add(new FileUpload(file.Path, url, UploadHeaders, missing));
        }

        return new DatasetVersionDraft(version.ToContract(), uploads);
    }
}
