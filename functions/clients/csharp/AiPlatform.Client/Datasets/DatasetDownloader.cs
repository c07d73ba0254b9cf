using System.Buffers;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Client.Datasets;

/// <summary>
/// Downloads the files of a version straight from the storage, several at the same time, and verifies what came. Run again after an
/// interruption it fetches what is not there yet. Memory does not grow with the files.
/// </summary>
/// <param name="api">The API.</param>
/// <param name="storage">For SAS URLs; it must send no token of the API.</param>
public sealed class DatasetDownloader(AiPlatformClient api, HttpClient storage)
{
    private static readonly SearchValues<char> NotOnWindows = SearchValues.Create(":*?\"<>|");

    private const int Parallelism = 4;
    private const int BufferBytes = 256 << 10;
    private const int MaxAttempts = 6;
    private const int PageSize = 200;

    /// <summary>Downloads files into a folder.</summary>
    /// <param name="progress">Is told of the bytes that are there.</param>
    /// <returns>How many files the version has.</returns>
    /// <exception cref="InvalidDataException">What came is not what was announced.</exception>
    public async Task<int> DownloadAsync(string project, string dataset, int version, string folder, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var root = Path.GetFullPath(folder);
        Directory.CreateDirectory(root);
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        string? token = null;
        var (files, done) = (0, 0L);
        do
        {
            // A page of URLs is used up before it is too old.
            var page = await api.ListDatasetFilesAsync(project, dataset, version, prefix: null, PageSize, token, cancellationToken).ConfigureAwait(false);
            RequireApart(page.Items, names, root);
            await Parallel.ForEachAsync(page.Items, new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken }, async (file, stop) =>
            {
                await DownloadAsync(file, Resolve(root, file.Path), count => progress?.Report(Interlocked.Add(ref done, count)), stop).ConfigureAwait(false);
            }).ConfigureAwait(false);
            files += page.Items.Count;
            token = page.NextPageToken;
        }
        while (token is not null);

        return files;
    }

    // Names that differ by case only are two files, but one where the folder does not tell them apart.
    private static void RequireApart(IReadOnlyList<FileDownload> files, Dictionary<string, string> names, string root)
    {
        foreach (var file in files)
        {
            if (!names.TryAdd(file.Path, file.Path) && names[file.Path] != file.Path && !TellsCaseApart(root))
            {
                throw new InvalidDataException($"{names[file.Path]} and {file.Path} are one file in {root}.");
            }
        }
    }

    private static bool TellsCaseApart(string root)
    {
        var probe = Path.Combine(root, $".probe-a-{Guid.NewGuid():N}");
        File.WriteAllBytes(probe, []);
        try
        {
            return !File.Exists(probe.Replace("probe-a", "PROBE-A", StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(probe);
        }
    }

    private async Task DownloadAsync(FileDownload file, string target, Action<long> count, CancellationToken cancellationToken)
    {
        if (File.Exists(target) && new FileInfo(target).Length == file.Size && await HashAsync(target, cancellationToken).ConfigureAwait(false) == file.Sha256)
        {
            count(file.Size);
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var temporary = $"{target}.{Guid.NewGuid():N}.part";
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    await FetchAsync(file, temporary, cancellationToken).ConfigureAwait(false);
                    break;
                }
                catch (Exception exception) when (attempt < MaxAttempts && exception is HttpRequestException or IOException)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * 200 * (1 << attempt)), cancellationToken).ConfigureAwait(false);
                }
            }

            File.Move(temporary, target, overwrite: true);
            count(file.Size);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private async Task FetchAsync(FileDownload file, string temporary, CancellationToken cancellationToken)
    {
        await using var target = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        foreach (var (url, range) in Sources(file))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.Range = range;
            using var response = await storage.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
            await using var source = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            int read;
            while ((read = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != file.Sha256)
        {
            throw new InvalidDataException($"{file.Path} is not what was announced.");
        }
    }

    private static IEnumerable<(string Url, RangeHeaderValue? Range)> Sources(FileDownload file)
        => file.Parts?.Select(static part => (part.Url, (RangeHeaderValue?)new RangeHeaderValue(part.Offset, part.Offset + part.Length - 1))) ?? [(file.Url, null)];

    private static async Task<string> HashAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false));
    }

    // The API checks paths; a server that is not ours must not write elsewhere all the same.
    private static string Resolve(string root, string path)
    {
        var target = Path.GetFullPath(Path.Combine(root, path));
        if (OperatingSystem.IsWindows() && (path.AsSpan().ContainsAny(NotOnWindows) || path.Split('/').Any(static segment => segment[^1] is '.' or ' ')))
        {
            throw new InvalidDataException($"Windows cannot keep a file named {path}.");
        }

        return target.StartsWith(root.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? target
            : throw new InvalidDataException($"{path} leads out of the folder.");
    }
}
