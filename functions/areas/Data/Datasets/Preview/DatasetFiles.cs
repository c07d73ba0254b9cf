using AiPlatform.DataFiles.Tables;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Finds the files that previews, statistics and diffs look into.</summary>
internal sealed class DatasetFiles(DatasetVersionStore store, ContentReader contents, BlobStorage storage, IDatasetReading reading)
{
    /// <summary>A table of a ready version.</summary>
    /// <param name="path">The file; null or empty for the version's first table.</param>
    /// <param name="told">How it is read, over what is told about the dataset.</param>
    /// <exception cref="ApiException">404 when there is none; 409 when the version is not ready.</exception>
    public async Task<(DatasetFileRow File, ContentSource Source, TableFormat Format)> TableAsync(
        DatasetVersionRow version, string? path, ReadingParameters told, CancellationToken cancellationToken)
    {
        var options = told.ToOptions();
        var row = version.RequireReady();
        var file = path is { Length: > 0 }
            ? await store.GetFileAsync(row.Id, path, cancellationToken)
            : (await store.ListAllFilesAsync(row.Id, cancellationToken)).FirstOrDefault(static candidate => FileFormats.Of(candidate.Path).IsTable())
                ?? throw ApiException.NotFound("file", "*");
        var format = FileFormats.Of(file.Path);
        Check.That(format.IsTable(), "file", "noTable");
        options = options.Over(await reading.OfAsync(row.DatasetId, cancellationToken));
        return (file, await SourceAsync(row.ProjectId, file, cancellationToken), new TableFormat(format, options));
    }

    /// <summary>A table of a ready version beside that of another.</summary>
    /// <param name="version">The version.</param>
    /// <param name="from">The number of the other.</param>
    /// <param name="paths">Their files. Without any the first that both have under one path is meant, or else the first of each; without the other, the same path.</param>
    /// <param name="told">How they are read, over what is told about the dataset.</param>
    /// <exception cref="ApiException">404 when there is none; 409 when a version is not ready.</exception>
    public async Task<((DatasetFileRow File, ContentSource Source, TableFormat Format) Now, (DatasetFileRow File, ContentSource Source, TableFormat Format) Before)> PairAsync(
        DatasetVersionRow version, int from, (string? Now, string? Before) paths, ReadingParameters told, CancellationToken cancellationToken)
    {
        var other = await store.GetAsync(version.ProjectId, version.DatasetId, from, cancellationToken);
        var path = paths.Now;
        if (string.IsNullOrEmpty(path) && string.IsNullOrEmpty(paths.Before))
        {
            var tables = (await TablesAsync(other, cancellationToken)).ToHashSet(StringComparer.Ordinal);
            path = (await TablesAsync(version, cancellationToken)).FirstOrDefault(tables.Contains);
        }

        return (
            await TableAsync(version, path, told, cancellationToken),
            await TableAsync(other, paths.Before is { Length: > 0 } before ? before : path, told, cancellationToken));
    }

    /// <summary>The images of a ready version, by path.</summary>
    public async Task<IReadOnlyList<DatasetFileRow>> ImagesAsync(DatasetVersionRow version, CancellationToken cancellationToken)
        => [.. (await store.ListAllFilesAsync(version.RequireReady().Id, cancellationToken)).Where(static file => FileFormats.Of(file.Path) == FileFormat.Image)];

    private async Task<IEnumerable<string>> TablesAsync(DatasetVersionRow version, CancellationToken cancellationToken)
        => (await store.ListAllFilesAsync(version.RequireReady().Id, cancellationToken)).Where(static file => FileFormats.Of(file.Path).IsTable()).Select(static file => file.Path);

    /// <summary>The bytes of a file.</summary>
    public async Task<ContentSource> SourceAsync(string projectId, DatasetFileRow file, CancellationToken cancellationToken)
        => new(storage, await contents.GetAsync(projectId, file.Sha256, cancellationToken), Convert.ToHexStringLower(file.Sha256));
}
