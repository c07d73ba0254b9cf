using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Data.Datasets;

/// <summary>A checked list of files.</summary>
internal sealed class Manifest
{
    private Manifest(IReadOnlyList<DatasetFileRow> files)
    {
        Files = files;
        TotalBytes = files.Sum(file => file.SizeBytes);
        Digest = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', files.Select(file => $"{file.Hex} {file.SizeBytes} {file.Path}"))));
    }

    /// <summary>By path, in byte order.</summary>
    public IReadOnlyList<DatasetFileRow> Files { get; }

    public long TotalBytes { get; }

    /// <summary>Equal digests mean equal versions.</summary>
    public byte[] Digest { get; }

    /// <summary>Checks every file of a request, and makes the whole manifest of it.</summary>
    /// <param name="parent">The files of the version that the request changes; null when it changes none.</param>
    /// <exception cref="ApiException">400 <c>invalid_request</c> naming the field.</exception>
    public static Manifest Parse(CreateDatasetVersionRequest request, IReadOnlyList<DatasetFileRow>? parent, DatasetOptions options)
    {
        var files = request.Files;
        Check.That(files.Count >= (parent is null ? 1 : 0) && files.Count <= options.MaxFiles, "files", "count", 1, options.MaxFiles);
        var rows = new Dictionary<string, DatasetFileRow>(files.Count, StringComparer.Ordinal);
        for (var i = 0; i < files.Count; i++)
        {
            Check.That(files[i] is not null, $"files[{i}]", "required");
            var row = ParseFile(files[i], $"files[{i}]", options);
            Check.That(rows.TryAdd(row.Path, row), $"files[{i}].path", "duplicate");
        }

        var result = parent is null ? [.. rows.Values] : ManifestEdit.Apply(parent, [.. (request.Remove ?? []).Select(static path => path is null ? null! : FilePath.Normal(path))], rows);
        Check.That(result.Count >= 1 && result.Count <= options.MaxFiles, "files", "count", 1, options.MaxFiles);
        RequireConsistent(result, files);
        result.Sort(static (left, right) => string.CompareOrdinal(left.Path, right.Path));
        return new Manifest(result);
    }

    private static DatasetFileRow ParseFile(DatasetFile file, string field, DatasetOptions options)
    {
        var path = RelativePath.Require(file.Path, $"{field}.path");
        Check.Range(file.Size, $"{field}.size", 0, options.MaxFileBytes);
        Check.That(ContentHash.TryParse(file.Sha256, out var hash), $"{field}.sha256", "sha256");
        IReadOnlyList<Chunk>? chunks = null;
        Check.That(
            file.Chunks is null || (ChunkList.TryParse(file.Chunks, out chunks) && chunks.Sum(chunk => (long)chunk.Length) == file.Size), $"{field}.chunks", "chunks");
        return new DatasetFileRow { Path = path, SizeBytes = file.Size, Sha256 = hash!, Chunks = chunks };
    }

    // Equal content has one size, and a name cannot be a file and a folder on the machine that reads the dataset.
    private static void RequireConsistent(List<DatasetFileRow> result, IReadOnlyList<DatasetFile> files)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        var folders = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in result)
        {
            Check.That(sizes.TryAdd(file.Hex, file.SizeBytes) || sizes[file.Hex] == file.SizeBytes, FieldOf(file, "size"), "contradictory");
            for (var slash = file.Path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = file.Path.IndexOf('/', slash + 1))
            {
                folders.Add(file.Path[..slash]);
            }
        }

        foreach (var file in result)
        {
            Check.That(!folders.Contains(file.Path), FieldOf(file, "path"), "duplicate");
        }

        string FieldOf(DatasetFileRow file, string property)
        {
            for (var i = 0; i < files.Count; i++)
            {
                if (FilePath.Normal(files[i].Path) == file.Path)
                {
                    return $"files[{i}].{property}";
                }
            }

            return "files";
        }
    }
}
