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

namespace AiPlatform.Data.Datasets;

/// <summary>Routes that read the files of versions: lists, single files, archives, differences.</summary>
internal static class DatasetFileEndpoints
{
    private const string Zip = "zip";
    private const string Tar = "tar";

    /// <summary>Maps the routes below the versions of a dataset.</summary>
    public static void Map(RouteGroupBuilder versions)
    {
        versions.MapGet("/{version:int}/files", ListAsync).RequireAction(DataActions.ReadContent)
            .Describe("listDatasetFiles", "List files by path, with download URLs");
        versions.MapGet("/{version:int}/files/{**path}", ReadAsync).RequireAction(DataActions.ReadContent).WithLongRequests()
            .Describe("readDatasetFile", "Read one file; honours Range")
            .Produces<Stream>(contentType: "application/octet-stream");
        versions.MapGet("/{version:int}/archive", ArchiveAsync).RequireAction(DataActions.ReadContent).WithLongRequests()
            .Describe("downloadDatasetArchive", "Download files as one archive, zip or tar")
            .Produces<Stream>(contentType: "application/octet-stream");
        versions.MapGet("/{version:int}/diff", DiffAsync).RequireAction(DataActions.ReadContent)
            .Describe("diffDatasetVersion", "Compare the files with those of another version, by default the parent or the one before");
    }

    /// <summary>Maps the route of signed links.</summary>
    public static void MapLinks(IEndpointRouteBuilder routes)
        => routes.MapGet(ContentLinks.Route, ReadLinkAsync).OpenToAnybody().WithTags("Datasets")
            .Describe("readDatasetContent", "Read a file by a signed link; honours Range")
            .Produces<Stream>(contentType: "application/octet-stream");

    private static async Task<Ok<Page<FileDownload>>> ListAsync(
        Reached<DatasetVersionRow> version, string? prefix, [AsParameters] PageRequest page, HttpRequest http, DatasetVersionStore versions, ContentReader reader,
        CancellationToken cancellationToken)
    {
        Check.Text(prefix, "prefix", RelativePath.MaxBytes);
        var row = version.Value.RequireReady();
        var files = await versions.ListFilesAsync(row.Id, prefix, page.Key(), page.Size, cancellationToken);
        var shown = files.Take(page.Size).ToList();
        var downloads = await reader.DownloadsAsync(version.Value.ProjectId, shown, ContentLinks.Origin(http), cancellationToken);
        var byPath = downloads.ToDictionary(download => download.Path, StringComparer.Ordinal);
        return TypedResults.Ok(page.ToPage(files, file => byPath[file.Path], file => [file.Path]));
    }

    private static async Task<FileStreamHttpResult> ReadAsync(
        Reached<DatasetVersionRow> version, string path, DatasetVersionStore versions, ContentReader reader,
        CancellationToken cancellationToken)
    {
        var row = version.Value.RequireReady();
        var file = await versions.GetFileAsync(row.Id, FilePath.Normal(path), cancellationToken);
        return Stream(reader, await reader.GetAsync(version.Value.ProjectId, file.Sha256, cancellationToken), file.Path);
    }

    /// <param name="name">The name that the file is saved under.</param>
    private static async Task<FileStreamHttpResult> ReadLinkAsync(string token, string name, ContentLinks links, ContentReader reader, CancellationToken cancellationToken)
    {
        var (projectId, sha256) = links.Read(token);
        return Stream(reader, await reader.GetAsync(projectId, sha256, cancellationToken), name);
    }

    /// <param name="format"><c>zip</c> or <c>tar</c>; zip when absent.</param>
    private static async Task<PushStreamHttpResult> ArchiveAsync(
        Reached<DatasetVersionRow> version, string? format, string? prefix, HttpContext context, ArchiveWriter writer, CancellationToken cancellationToken)
    {
        Check.That(format is null or Zip or Tar, "format", "oneOf", $"{Zip}, {Tar}");
        Check.Text(prefix, "prefix", RelativePath.MaxBytes);
        var row = version.Value.RequireReady();
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
        Reached<DatasetVersionRow> version, int? from, [AsParameters] PageRequest page, DatasetVersionStore versions, CancellationToken cancellationToken)
    {
        var newer = version.Value;
        var older = await versions.GetAsync(newer.ProjectId, newer.DatasetId, from ?? newer.Parent ?? (newer.Version - 1), cancellationToken);
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
