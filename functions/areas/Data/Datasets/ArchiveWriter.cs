using System.Formats.Tar;
using System.IO.Compression;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets;

/// <summary>Writes files of a version as one archive, one after another: no file is ever whole in memory.</summary>
internal sealed class ArchiveWriter(DatasetVersionStore versions, ContentReader reader)
{
    private const int Batch = 200;

    // Archives of one version are equal, byte for byte, as far as the format allows.
    private static readonly DateTimeOffset Time = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes a ZIP archive.</summary>
    /// <param name="prefix">Only files whose paths begin so; null for all.</param>
    public async Task WriteZipAsync(DatasetVersionRow version, string? prefix, Stream target, CancellationToken cancellationToken)
    {
        await using var archive = await ZipArchive.CreateAsync(target, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancellationToken);
        await foreach (var (file, content) in FilesAsync(version, prefix, cancellationToken))
        {
            var entry = archive.CreateEntry(file.Path, CompressionLevel.Fastest);
            entry.LastWriteTime = Time;
            await using var source = reader.Open(content);
            await using var written = await entry.OpenAsync(cancellationToken);
            await source.CopyToAsync(written, cancellationToken);
        }
    }

    /// <summary>Writes a tar archive (pax).</summary>
    /// <param name="prefix">Only files whose paths begin so; null for all.</param>
    public async Task WriteTarAsync(DatasetVersionRow version, string? prefix, Stream target, CancellationToken cancellationToken)
    {
        await using var archive = new TarWriter(target, TarEntryFormat.Pax, leaveOpen: true);
        await foreach (var (file, content) in FilesAsync(version, prefix, cancellationToken))
        {
            await using var source = reader.Open(content);
            await archive.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, file.Path) { DataStream = source, ModificationTime = Time }, cancellationToken);
        }
    }

    private async IAsyncEnumerable<(DatasetFileRow File, StoredContent Content)> FilesAsync(
        DatasetVersionRow version, string? prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? after = null;
        while (true)
        {
            var files = await versions.ListFilesAsync(version.Id, prefix, after, Batch - 1, cancellationToken);
            var contents = await reader.FindAsync(version.ProjectId, files.Select(file => file.Sha256), cancellationToken);
            foreach (var file in files)
            {
                yield return (file, contents.TryGetValue(file.Hex, out var content) ? content : throw ApiException.NotFound("content", file.Path));
            }

            if (files.Count < Batch)
            {
                yield break;
            }

            after = files[^1].Path;
        }
    }
}
