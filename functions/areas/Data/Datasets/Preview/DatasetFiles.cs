using AiPlatform.DataFiles.Tables;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Finds the files that previews, statistics and diffs look into.</summary>
internal sealed class DatasetFiles(DatasetVersionStore versions, ContentReader contents, BlobStorage storage, IDatasetReading reading)
{
    /// <summary>A table of a ready version.</summary>
    /// <param name="path">The file; null or empty for the version's first table.</param>
    /// <param name="told">How it is read, over what is told about the dataset.</param>
    /// <exception cref="ApiException">404 when there is none; 409 when the version is not ready.</exception>
    public async Task<(DatasetFileRow File, ContentSource Source, TableFormat Format)> TableAsync(
        string projectId, string dataset, int version, string? path, ReadingParameters told, CancellationToken cancellationToken)
    {
        var options = told.ToOptions();
        var row = await versions.GetReadyAsync(projectId, dataset, version, cancellationToken);
        var file = path is { Length: > 0 }
            ? await versions.GetFileAsync(row.Id, path, cancellationToken)
            : (await versions.ListAllFilesAsync(row.Id, cancellationToken)).FirstOrDefault(static candidate => FileFormats.Of(candidate.Path).IsTable())
                ?? throw ApiException.NotFound("file", "*");
        var format = FileFormats.Of(file.Path);
        Check.That(format.IsTable(), "file", "noTable");
        options = options.Over(await reading.OfAsync(row.DatasetId, cancellationToken));
        return (file, await SourceAsync(projectId, file, cancellationToken), new TableFormat(format, options));
    }

    /// <summary>The images of a ready version, by path.</summary>
    public async Task<IReadOnlyList<DatasetFileRow>> ImagesAsync(string projectId, string dataset, int version, CancellationToken cancellationToken)
    {
        var row = await versions.GetReadyAsync(projectId, dataset, version, cancellationToken);
        return [.. (await versions.ListAllFilesAsync(row.Id, cancellationToken)).Where(static file => FileFormats.Of(file.Path) == FileFormat.Image)];
    }

    /// <summary>The bytes of a file.</summary>
    public async Task<ContentSource> SourceAsync(string projectId, DatasetFileRow file, CancellationToken cancellationToken)
        => new(storage, await contents.GetAsync(projectId, file.Sha256, cancellationToken), Convert.ToHexStringLower(file.Sha256));
}
