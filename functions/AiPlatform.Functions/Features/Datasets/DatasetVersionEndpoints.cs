using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Functions.Features.Datasets;

/// <summary>Routes of dataset versions: draft, upload, commit, read.</summary>
internal static class DatasetVersionEndpoints
{
    /// <summary>A manifest of 10,000 long paths.</summary>
    private const long MaxManifestBytes = 16 * 1024 * 1024;

    private static readonly Dictionary<string, string> UploadHeaders = new(StringComparer.Ordinal) { ["x-ms-blob-type"] = "BlockBlob" };

    /// <summary>Maps the routes below a dataset.</summary>
    public static void Map(RouteGroupBuilder versions)
    {
        versions.MapPost("/", DraftAsync).RequirePermission(Permission.Write).WithIdempotency().WithBodyLimit(MaxManifestBytes).WithSummary("Draft a version and get upload URLs for what is not stored yet");
        versions.MapGet("/", ListAsync).RequirePermission(Permission.Read).WithSummary("List versions, newest first");
        versions.MapGet("/{version:int}", GetAsync).RequirePermission(Permission.Read).WithSummary("Get a version");
        versions.MapPost("/{version:int}/uploads", RenewUploadsAsync).RequirePermission(Permission.Write).WithSummary("Get fresh upload URLs for a draft");
        versions.MapPost("/{version:int}/commit", CommitAsync).RequirePermission(Permission.Write).WithLongRequests().WithSummary("Verify the uploads and make the version immutable");
        versions.MapGet("/{version:int}/files", ListFilesAsync).RequirePermission(Permission.Read).WithSummary("List files by path, with download URLs");
    }

    private static async Task<Created<DatasetVersionDraft>> DraftAsync(
        string project, string dataset, CreateDatasetVersionRequest request, Caller caller, ProjectAccess projects, DatasetStore datasets,
        DatasetVersionStore versions, BlobStorage storage, IOptions<DatasetOptions> options, CancellationToken cancellationToken)
    {
        var manifest = Manifest.Parse(request.Files, options.Value);
        Check.Text(request.Description, "description", 2_000);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await datasets.GetAsync(projectId, dataset, cancellationToken);
        var version = await versions.DraftAsync(row, manifest, request.Description, caller, cancellationToken);
        var draft = await WithUploadsAsync(version, versions, storage, options.Value, cancellationToken);
        return TypedResults.Created($"/v1/projects/{projectId}/datasets/{row.Id}/versions/{version.Version}", draft);
    }

    /// <summary>Fresh upload URLs for what is still missing: how an interrupted upload goes on.</summary>
    private static async Task<Ok<DatasetVersionDraft>> RenewUploadsAsync(
        string project, string dataset, int version, Caller caller, ProjectAccess projects, DatasetVersionStore versions,
        BlobStorage storage, IOptions<DatasetOptions> options, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetAsync(projectId, dataset, version, cancellationToken);
        if (row.Status != DatasetVersionStatus.Draft)
        {
            throw ApiException.IllegalTransition("datasetVersion", row.Status.ToText(), DatasetVersionStatus.Draft.ToText());
        }

        return TypedResults.Ok(await WithUploadsAsync(row, versions, storage, options.Value, cancellationToken));
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
        string project, string dataset, int version, Caller caller, ProjectAccess projects, DatasetVersionStore versions, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        return TypedResults.Ok((await versions.GetAsync(projectId, dataset, version, cancellationToken)).ToContract());
    }

    private static async Task<Ok<DatasetVersion>> CommitAsync(
        string project, string dataset, int version, Caller caller, ProjectAccess projects, DatasetVersionStore versions, ContentVerifier verifier,
        CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetAsync(projectId, dataset, version, cancellationToken);
        if (row.Status == DatasetVersionStatus.Ready)
        {
            return TypedResults.Ok(row.ToContract());
        }

        var verified = await verifier.VerifyAsync(row, cancellationToken);
        var ready = await versions.CommitAsync(row, verified, cancellationToken);
        await verifier.DeleteUploadsAsync(row, verified, cancellationToken);
        return TypedResults.Ok(ready.ToContract());
    }

    private static async Task<Ok<Page<FileDownload>>> ListFilesAsync(
        string project, string dataset, int version, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects,
        DatasetVersionStore versions, BlobStorage storage, IOptions<DatasetOptions> options, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetAsync(projectId, dataset, version, cancellationToken);
        if (row.Status != DatasetVersionStatus.Ready)
        {
            throw ApiException.IllegalTransition("datasetVersion", row.Status.ToText(), DatasetVersionStatus.Ready.ToText());
        }

        var files = (await versions.ListFilesAsync(row.Id, page.Key(), page.Size, cancellationToken)).ToList();
        var urls = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files.Take(page.Size))
        {
            urls[file.Path] = await storage.DownloadUrlAsync(
                BlobStorage.Datasets, ContentAddress.Verified(projectId, file.Hex), options.Value.DownloadUrlLifetime, cancellationToken);
        }

        return TypedResults.Ok(page.ToPage(files, file => new FileDownload(file.Path, file.SizeBytes, file.Hex, urls[file.Path]), file => [file.Path]));
    }

    private static async Task<DatasetVersionDraft> WithUploadsAsync(
        DatasetVersionRow version, DatasetVersionStore versions, BlobStorage storage, DatasetOptions options, CancellationToken cancellationToken)
    {
        var uploads = new List<FileUpload>();
        foreach (var file in await versions.ListMissingAsync(version, cancellationToken))
        {
            var url = await storage.UploadUrlAsync(
                BlobStorage.Datasets, ContentAddress.Upload(version.ProjectId, version.Id, file.Hex), options.UploadUrlLifetime, cancellationToken);
            uploads.Add(new FileUpload(file.Path, url, UploadHeaders));
        }

        return new DatasetVersionDraft(version.ToContract(), uploads);
    }
}
