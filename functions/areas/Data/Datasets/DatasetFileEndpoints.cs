using System.Net.Mime;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets;

/// <summary>Routes that read the files of versions: lists, single files, archives, differences.</summary>
internal static class DatasetFileEndpoints
{
    private const string Zip = "zip";
    private const string Tar = "tar";

    /// <summary>Maps the routes below the versions of a dataset.</summary>
    public static void Map(RouteGroupBuilder versions)
    {
        versions.MapGet("/{version:int}/files", ListAsync).RequirePermission(Permission.Read)
            .WithOperationId("listDatasetFiles").WithSummary("List files by path, with download URLs");
        versions.MapGet("/{version:int}/files/{**path}", ReadAsync).RequirePermission(Permission.Read).WithLongRequests()
            .WithOperationId("readDatasetFile").WithSummary("Read one file; honours Range")
            .Produces<Stream>(contentType: "application/octet-stream");
        versions.MapGet("/{version:int}/archive", ArchiveAsync).RequirePermission(Permission.Read).WithLongRequests()
            .WithOperationId("downloadDatasetArchive").WithSummary("Download files as one archive, zip or tar")
            .Produces<Stream>(contentType: "application/octet-stream");
        versions.MapGet("/{version:int}/diff", DiffAsync).RequirePermission(Permission.Read)
            .WithOperationId("diffDatasetVersion").WithSummary("Compare the files with those of another version, by default the parent or the one before");
    }

    /// <summary>Maps the route of signed links.</summary>
    public static void MapLinks(IEndpointRouteBuilder routes)
        => routes.MapGet(ContentLinks.Route, ReadLinkAsync).RequirePermission(Permission.Anonymous).WithTags("Datasets")
            .WithOperationId("readDatasetContent").WithSummary("Read a file by a signed link; honours Range")
            .Produces<Stream>(contentType: "application/octet-stream");

    private static async Task<Ok<Page<FileDownload>>> ListAsync(
        string project, string dataset, int version, string? prefix, [AsParameters] PageRequest page, HttpRequest http, Caller caller, ProjectAccess projects,
        DatasetVersionStore versions, ContentReader reader, IOptions<DatasetOptions> options, CancellationToken cancellationToken)
    {
        Check.Text(prefix, "prefix", RelativePath.MaxBytes);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetReadyAsync(projectId, dataset, version, cancellationToken);
        var files = await versions.ListFilesAsync(row.Id, prefix, page.Key(), page.Size, cancellationToken);
        var shown = files.Take(page.Size).ToList();
        var downloads = await reader.DownloadsAsync(projectId, shown, ContentLinks.Origin(http), options.Value.DownloadUrlLifetime, cancellationToken);
        var byPath = downloads.ToDictionary(download => download.Path, StringComparer.Ordinal);
        return TypedResults.Ok(page.ToPage(files, file => byPath[file.Path], file => [file.Path]));
    }

    private static async Task<FileStreamHttpResult> ReadAsync(
        string project, string dataset, int version, string path, Caller caller, ProjectAccess projects, DatasetVersionStore versions, ContentReader reader,
        CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetReadyAsync(projectId, dataset, version, cancellationToken);
        var file = await versions.GetFileAsync(row.Id, FilePath.Normal(path), cancellationToken);
        return Stream(reader, await reader.GetAsync(projectId, file.Sha256, cancellationToken), file.Path);
    }

    /// <param name="name">The name that the file is saved under.</param>
    private static async Task<FileStreamHttpResult> ReadLinkAsync(string token, string name, ContentLinks links, ContentReader reader, CancellationToken cancellationToken)
    {
        var (projectId, sha256) = links.Read(token);
        return Stream(reader, await reader.GetAsync(projectId, sha256, cancellationToken), name);
    }

    /// <param name="format"><c>zip</c> or <c>tar</c>; zip when absent.</param>
    private static async Task<PushStreamHttpResult> ArchiveAsync(
        string project, string dataset, int version, string? format, string? prefix, HttpContext context, Caller caller, ProjectAccess projects,
        DatasetVersionStore versions, ArchiveWriter writer, CancellationToken cancellationToken)
    {
        Check.That(format is null or Zip or Tar, "format", "oneOf", $"{Zip}, {Tar}");
        Check.Text(prefix, "prefix", RelativePath.MaxBytes);
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var row = await versions.GetReadyAsync(projectId, dataset, version, cancellationToken);
        var name = $"{row.DatasetId}-{row.Version}.{format ?? Zip}";
        if (format != Tar && context.Features.Get<IHttpBodyControlFeature>() is { } body)
        {
            // The zip writer flushes the compressor's last bytes of an entry and the directory synchronously.
            body.AllowSynchronousIO = true;
        }

        return format == Tar
            ? TypedResults.Stream(stream => writer.WriteTarAsync(row, prefix, stream, cancellationToken), "application/x-tar", name)
            : TypedResults.Stream(stream => writer.WriteZipAsync(row, prefix, stream, cancellationToken), MediaTypeNames.Application.Zip, name);
    }

    private static async Task<Ok<DatasetDiff>> DiffAsync(
        string project, string dataset, int version, int? from, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects,
        DatasetVersionStore versions, CancellationToken cancellationToken)
    {
        var projectId = await projects.RequireAsync(project, caller, cancellationToken);
        var newer = await versions.GetAsync(projectId, dataset, version, cancellationToken);
        var older = await versions.GetAsync(projectId, dataset, from ?? newer.Parent ?? (version - 1), cancellationToken);
        var (summary, changes) = ManifestDiff.Compare(
            await versions.ListAllFilesAsync(older.Id, cancellationToken), await versions.ListAllFilesAsync(newer.Id, cancellationToken));
        var after = page.Key();
        var rest = changes.Where(change => after is null || string.CompareOrdinal(change.Path, after) > 0).Take(page.Size + 1);
        var shown = page.ToPage(rest, change => change, change => [change.Path]);
        return TypedResults.Ok(new DatasetDiff(older.Version, newer.Version, summary, shown.Items, shown.NextPageToken));
    }

    // Content never changes under its hash: every cache may keep it for ever.
    private static FileStreamHttpResult Stream(ContentReader reader, StoredContent content, string path)
        => TypedResults.Stream(
            reader.Open(content), MediaTypeNames.Application.Octet, FileNameHeader.NameOf(path), entityTag: new Microsoft.Net.Http.Headers.EntityTagHeaderValue($"\"{content.Sha256}\""), enableRangeProcessing: true);
}
