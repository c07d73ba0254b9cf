using System.Buffers;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>
/// The files of a zip, tar or tar.gz archive. Nothing is stored before every entry was looked at: links, devices and archives that
/// expand too far are refused; paths are checked by the API with the manifest. A tar.gz is first expanded to a tar beside it, so
/// that every file can be read by itself.
/// </summary>
internal static class ArchiveSource
{
    private const int UnixTypeMask = 0xF000;
    private const int UnixRegular = 0x8000;
    private const int TarMagicOffset = 257;

    /// <summary>Below this size no archive is dangerous, whatever its ratio.</summary>
    private const long HarmlessBytes = 16 << 20;

    private static readonly TarEntryType[] TarFiles = [TarEntryType.RegularFile, TarEntryType.V7RegularFile, TarEntryType.ContiguousFile];
    private static readonly TarEntryType[] TarIgnored = [TarEntryType.Directory, TarEntryType.GlobalExtendedAttributes];

    /// <summary>Opens an archive.</summary>
    /// <exception cref="ImportException">It is none, is damaged, or must not be expanded.</exception>
    public static async Task<ImportSource> OpenAsync(
        HttpClient http, string url, long size, DatasetImportWork work, string folder, ImportWatch watch, CancellationToken cancellationToken)
    {
        var stream = new RangeStream(http, url, 0, size);
        try
        {
            var head = new byte[TarMagicOffset + 5];
            var read = await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
            stream.Position = 0;
            if (read >= 4 && head is [(byte)'P', (byte)'K', 3 or 5, 4 or 6, ..])
            {
                return await OpenZipAsync(stream, size, work.Limits, folder, cancellationToken);
            }

            if (read >= 2 && head is [0x1F, 0x8B, ..])
            {
                var length = await ExpandAsync(http, stream, size, work, watch, cancellationToken);
                return await OpenTarAsync(http, work.ExpandedUrl, length, work.Limits, folder, cancellationToken);
            }

            return IsTar(head.AsSpan(0, read))
                ? await OpenTarAsync(http, url, size, work.Limits, folder, cancellationToken)
                : throw new ImportException(DatasetImportErrors.NotAnArchive);
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new ImportException(DatasetImportErrors.BrokenArchive, exception.Message);
        }
    }

    private static async Task<ImportSource> OpenZipAsync(RangeStream stream, long size, ImportLimits limits, string folder, CancellationToken cancellationToken)
    {
        await ZipStructure.RequireSoundAsync(stream, size, cancellationToken);
        stream.Position = 0;
        var archive = await ZipArchive.CreateAsync(stream, ZipArchiveMode.Read, leaveOpen: false, Encoding.UTF8, cancellationToken);
        var gate = new SemaphoreSlim(1, 1);
        var files = new EntryList(folder);
        var total = 0L;
        foreach (var entry in archive.Entries)
        {
            if (entry.FullName.EndsWith('/'))
            {
                continue;
            }

            var type = (entry.ExternalAttributes >> 16) & UnixTypeMask;
            if (type is not (0 or UnixRegular))
            {
                throw new ImportException(DatasetImportErrors.EntryNotAFile, entry.FullName);
            }

            if (entry.IsEncrypted)
            {
                throw new ImportException(DatasetImportErrors.EncryptedArchive, entry.FullName);
            }

            total += entry.Length;
            Require(files.Count, total, size, limits);
            files.Add(entry.FullName, path => new ZipItem(path, entry, gate));
        }

        return new ImportSource(files.Items, archive, new Disposal(gate));
    }

    private static async Task<ImportSource> OpenTarAsync(HttpClient http, string url, long size, ImportLimits limits, string folder, CancellationToken cancellationToken)
    {
        await using var stream = new RangeStream(http, url, 0, size);
        await TarStructure.RequireWholeAsync(stream, size, cancellationToken);
        stream.Position = 0;
        await using var reader = new TarReader(stream, leaveOpen: true);
        var files = new EntryList(folder);
        var total = 0L;
        while (await reader.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            if (TarIgnored.Contains(entry.EntryType))
            {
                continue;
            }

            if (!TarFiles.Contains(entry.EntryType))
            {
                throw new ImportException(DatasetImportErrors.EntryNotAFile, entry.Name);
            }

            total += entry.Length;
            Require(files.Count, total, size, limits);
            files.Add(entry.Name, path => new RangeItem(path, entry.Length, http, url, entry.Length > 0 ? entry.DataOffset : 0));
        }

        return new ImportSource(files.Items);
    }

    private static async Task<long> ExpandAsync(
        HttpClient http, RangeStream stream, long size, DatasetImportWork work, ImportWatch watch, CancellationToken cancellationToken)
    {
        var staging = new BlobStaging(http, work.ExpandedUrl);
        await using var expanded = new GzipMembers(stream);
        var buffer = new byte[BlobStaging.BlockBytes];
        var total = 0L;
        int count;
        do
        {
            count = await expanded.ReadAsync(buffer, cancellationToken);
            if (total == 0 && !IsTar(buffer.AsSpan(0, count)))
            {
                throw new ImportException(DatasetImportErrors.NotAnArchive);
            }

            total += count;
            Require(0, total, size, work.Limits);
            if (count > 0)
            {
                await staging.AppendAsync(buffer.AsMemory(0, count), cancellationToken);
            }

            watch.Set(stream.Position, size);
        }
        while (count == buffer.Length);

        await staging.CompleteAsync(cancellationToken);
        return total;
    }

    private static void Require(int files, long bytes, long archive, ImportLimits limits)
    {
        if (files >= limits.MaxFiles)
        {
            throw new ImportException(DatasetImportErrors.TooManyFiles, $"{limits.MaxFiles}");
        }

        if (bytes > HarmlessBytes && bytes / limits.MaxRatio > archive)
        {
            throw new ImportException(DatasetImportErrors.ArchiveBomb, $"{limits.MaxRatio}");
        }

        if (bytes > limits.MaxBytes)
        {
            throw new ImportException(DatasetImportErrors.TooLarge, $"{limits.MaxBytes}");
        }
    }

    private static bool IsTar(ReadOnlySpan<byte> head) => head.Length > TarMagicOffset + 4 && head.Slice(TarMagicOffset, 5).SequenceEqual("ustar"u8);

    /// <summary>The files found so far, with the paths that they will have; no two may have the same.</summary>
    private sealed class EntryList(string folder)
    {
        private readonly HashSet<string> _paths = new(StringComparer.Ordinal);
        private readonly List<IUploadItem> _items = [];

        public IReadOnlyList<IUploadItem> Items => _items;

        public int Count => _items.Count;

        public void Add(string name, Func<string, IUploadItem> item)
        {
            var path = folder + Normal(name);
            _items.Add(_paths.Add(path) ? item(path) : throw new ImportException(DatasetImportErrors.DuplicateEntry, name));
        }

        // What every tar of a folder begins its names with, and how macOS writes letters with accents.
        private static string Normal(string name) => (name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name).Normalize(NormalizationForm.FormC);
    }

    private sealed class Disposal(SemaphoreSlim gate) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            gate.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
