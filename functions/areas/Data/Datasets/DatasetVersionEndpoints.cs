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
        versions.MapPost("/", DraftAsync).RequireAction(DataActions.WriteDataset).WithIdempotency().WithBodyLimit(MaxManifestBytes)
            .WithOperationId("createDatasetVersion").WithSummary("Draft a version and get upload URLs for what is not stored yet");
        versions.MapGet("/", ListAsync).RequireAction(DataActions.ReadDataset)
            .WithOperationId("listDatasetVersions").WithSummary("List versions, newest first");
        versions.MapGet("/{version:int}", Get).RequireAction(DataActions.ReadDataset)
            .WithOperationId("getDatasetVersion").WithSummary("Get a version");
        versions.MapPatch("/{version:int}", UpdateAsync).RequireAction(DataActions.WriteDataset)
            .WithOperationId("updateDatasetVersion").WithIfMatch().WithSummary("Change a version's description and tags; honours If-Match");
        versions.MapDelete("/{version:int}", DeleteAsync).RequireAction(DataActions.DeleteDataset)
            .WithOperationId("deleteDatasetVersion").WithSummary("Delete a version that nothing uses; force is for administrators");
        versions.MapPost("/{version:int}/restore", RestoreAsync).RequireAction(DataActions.WriteDataset)
            .WithOperationId("restoreDatasetVersion").WithSummary("Restore a deleted version");
        versions.MapPost("/{version:int}/uploads", RenewUploadsAsync).RequireAction(DataActions.WriteDataset)
            .WithOperationId("renewDatasetUploads").WithSummary("Get fresh upload URLs for a draft");
        versions.MapPost("/{version:int}/commit", CommitAsync).RequireAction(DataActions.WriteDataset).WithLongRequests()
            .WithOperationId("commitDatasetVersion").WithSummary("Verify the uploads and make the version immutable; 202 when there is more to verify: repeat it");
        DatasetFileEndpoints.Map(versions);
    }

    private static async Task<Created<DatasetVersionDraft>> DraftAsync(
        Reached<DatasetRow> dataset, CreateDatasetVersionRequest request, Caller caller, DatasetStore datasets,
        DatasetVersionStore versions, DatasetDraftStore drafts, BlobStorage storage, IOptions<DatasetOptions> options, CancellationToken cancellationToken)
    {
        Check.Text(request.Description, "description", MaxDescription);
        Check.That(request.Remove is null || request.Parent is not null, "parent", "required");
        DatasetTags.ToJson(request.Tags);
        var parent = request.Parent is { } number ? await versions.GetReadyAsync(dataset.Value.ProjectId, dataset.Id, number, cancellationToken) : null;
        var manifest = Manifest.Parse(request, parent is null ? null : await versions.ListAllFilesAsync(parent.Id, cancellationToken), options.Value);
        var version = await drafts.DraftAsync(dataset.Value, manifest, request, caller, cancellationToken);
        var draft = await WithUploadsAsync(version, drafts, storage, options.Value, cancellationToken);
        return TypedResults.Created($"/v1/projects/{dataset.Value.ProjectId}/datasets/{dataset.Id}/versions/{version.Version}", draft);
    }

    /// <summary>Fresh upload URLs for what is still missing: how an interrupted upload goes on.</summary>
    private static async Task<Ok<DatasetVersionDraft>> RenewUploadsAsync(
        Reached<DatasetVersionRow> version, DatasetDraftStore drafts,
        BlobStorage storage, IOptions<DatasetOptions> options, CancellationToken cancellationToken)
    {
        if (version.Value.Status != DatasetVersionStatus.Draft)
        {
            throw ApiException.IllegalTransition("datasetVersion", version.Value.Status.ToText(), DatasetVersionStatus.Draft.ToText());
        }

        return TypedResults.Ok(await WithUploadsAsync(version.Value, drafts, storage, options.Value, cancellationToken));
    }

    private static async Task<Ok<Page<DatasetVersion>>> ListAsync(
        Reached<DatasetRow> dataset, [AsParameters] PageRequest page, DatasetVersionStore versions, CancellationToken cancellationToken)
    {
        int? before = page.Key() is not { } key ? null : int.TryParse(key, out var number) ? number : throw new ApiException(ErrorCodes.InvalidPageToken);
        var rows = await versions.ListAsync(dataset.Id, before, page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, item => item.ToContract(), item => [$"{item.Version}"]));
    }

    private static Ok<DatasetVersion> Get(Reached<DatasetVersionRow> version, HttpResponse response)
        => Show(response, version.Value);

    private static async Task<Ok<DatasetVersion>> UpdateAsync(
        Reached<ProjectIdentity> project, string dataset, int version, UpdateDatasetVersionRequest request, HttpRequest http, HttpResponse response,
        DatasetVersionStore versions, CancellationToken cancellationToken)
    {
        Check.Text(request.Description, "description", MaxDescription);
        return Show(response, await versions.UpdateAsync(project.Id, dataset, version, request, ETag.Expected(http), cancellationToken));
    }

    private static async Task<NoContent> DeleteAsync(
        Reached<DatasetVersionRow> version, string dataset, bool? force, Caller caller, DatasetRemoval removal,
        DraftSweep sweep, CancellationToken cancellationToken)
    {
        RequireMayForce(force, caller);
        await (version.Value.Status == DatasetVersionStatus.Draft
            ? sweep.DeleteAsync(version.Value, cancellationToken)
            : removal.DeleteVersionAsync(version.Value, $"{dataset}@{version.Value.Version}", force ?? false, cancellationToken));
        return TypedResults.NoContent();
    }

    private static async Task<Ok<DatasetVersion>> RestoreAsync(
        Reached<ProjectIdentity> project, string dataset, int version, HttpResponse response, DatasetVersionStore versions, DatasetRemoval removal,
        CancellationToken cancellationToken)
    {
        await removal.RestoreVersionAsync(project.Id, dataset, version, cancellationToken);
        return Show(response, await versions.GetAsync(project.Id, dataset, version, cancellationToken));
    }

    private static async Task<Results<Ok<DatasetVersion>, Accepted<DatasetVersion>>> CommitAsync(
        Reached<DatasetVersionRow> version, HttpResponse response, DatasetVersionStore versions,
        ContentVerifier verifier, CancellationToken cancellationToken)
    {
        if (version.Value.Status == DatasetVersionStatus.Ready)
        {
            return Show(response, version.Value);
        }

        // A content that the collector took between the two steps is missing: the repeat asks for it again.
        if (await verifier.VerifyAsync(version.Value, cancellationToken) && await versions.CommitAsync(version.Value, cancellationToken) is { } ready)
        {
            return Show(response, ready);
        }

        response.Headers.RetryAfter = "1";
        return TypedResults.Accepted((string?)null, version.Value.ToContract());
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
