using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Data.Datasets;

/// <summary>Routes of dataset versions: draft, upload, commit, change, delete.</summary>
internal static class DatasetVersionEndpoints
{
    /// <summary>A manifest of 10,000 long paths, or the chunks of 100 GB.</summary>
    private const long MaxManifestBytes = 32 * 1024 * 1024;

    private const int MaxDescription = 2_000;

    /// <summary>Maps the routes below a dataset.</summary>
    public static void Map(RouteGroupBuilder versions)
    {
        versions.MapPost("/", DraftAsync).RequireAction(DataActions.WriteDataset).WithIdempotency().WithBodyLimit(MaxManifestBytes)
            .Describe("createDatasetVersion", "Draft a version and get upload URLs for what is not stored yet");
        versions.MapGet("/", ListAsync).RequireAction(DataActions.ReadDataset)
            .Describe("listDatasetVersions", "List versions, newest first");
        versions.MapGet("/{version:int}", Get).RequireAction(DataActions.ReadDataset)
            .Describe("getDatasetVersion", "Get a version");
        versions.MapPatch("/{version:int}", UpdateAsync).RequireAction(DataActions.WriteDataset)
            .Describe("updateDatasetVersion", "Change a version's description and tags; honours If-Match").WithIfMatch();
        versions.MapDelete("/{version:int}", DeleteAsync).RequireAction(DataActions.DeleteDataset)
            .Describe("deleteDatasetVersion", "Delete a version that nothing uses; force is for administrators");
        versions.MapPost("/{version:int}/restore", RestoreAsync).RequireAction(DataActions.WriteDataset)
            .Describe("restoreDatasetVersion", "Restore a deleted version");
        versions.MapPost("/{version:int}/uploads", RenewUploadsAsync).RequireAction(DataActions.WriteDataset)
            .Describe("renewDatasetUploads", "Get fresh upload URLs for a draft");
        versions.MapPost("/{version:int}/commit", CommitAsync).RequireAction(DataActions.WriteDataset).WithLongRequests()
            .Describe("commitDatasetVersion", "Verify the uploads and make the version immutable; 202 when there is more to verify: repeat it");
        DatasetFileEndpoints.Map(versions);
    }

    private static async Task<Created<DatasetVersionDraft>> DraftAsync(
        Reached<DatasetRow> dataset, CreateDatasetVersionRequest request, Caller caller, DatasetDrafts drafts, CancellationToken cancellationToken)
    {
        Check.Text(request.Description, "description", MaxDescription);
        Check.That(request.Remove is null || request.Parent is not null, "parent", "required");
        DatasetTags.ToJson(request.Tags);
        var draft = await drafts.DraftAsync(dataset.Value, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{dataset.Value.ProjectId}/datasets/{dataset.Id}/versions/{draft.Version.Version}", draft);
    }

    /// <summary>Fresh upload URLs for what is still missing: how an interrupted upload goes on.</summary>
    private static async Task<Ok<DatasetVersionDraft>> RenewUploadsAsync(
        Reached<DatasetVersionRow> version, DatasetDrafts drafts, CancellationToken cancellationToken)
    {
        if (version.Value.Status != DatasetVersionStatus.Draft)
        {
            throw ApiException.IllegalTransition("datasetVersion", version.Value.Status.ToText(), DatasetVersionStatus.Draft.ToText());
        }

        return TypedResults.Ok(await drafts.WithUploadsAsync(version.Value, cancellationToken));
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
        Reached<DatasetVersionRow> version, UpdateDatasetVersionRequest request, HttpRequest http, HttpResponse response, DatasetVersionStore versions,
        CancellationToken cancellationToken)
    {
        Check.Text(request.Description, "description", MaxDescription);
        return Show(response, await versions.UpdateAsync(version.Value, request, ETag.Expected(http), cancellationToken));
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
}
