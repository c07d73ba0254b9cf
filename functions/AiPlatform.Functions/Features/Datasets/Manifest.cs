using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Datasets;

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

    /// <summary>Checks every file of a request.</summary>
    /// <exception cref="ApiException">400 <c>invalid_request</c> naming the field.</exception>
    public static Manifest Parse(IReadOnlyList<DatasetFile> files, DatasetOptions options)
    {
        Check.That(files.Count >= 1 && files.Count <= options.MaxFiles, "files", "count", 1, options.MaxFiles);
        var rows = new List<DatasetFileRow>(files.Count);
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var folders = new HashSet<string>(StringComparer.Ordinal);
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var i = 0; i < files.Count; i++)
        {
            var file = files[i];
            Check.That(file is not null, $"files[{i}]", "required");
            var problem = RelativePath.Problem(file!.Path);
            Check.That(problem is null, $"files[{i}].path", "path", problem);
            Check.That(paths.Add(file.Path), $"files[{i}].path", "duplicate");
            Check.Range(file.Size, $"files[{i}].size", 0, options.MaxFileBytes);
            Check.That(ContentHash.TryParse(file.Sha256, out var hash), $"files[{i}].sha256", "sha256");
            Check.That(sizes.TryAdd(file.Sha256, file.Size) || sizes[file.Sha256] == file.Size, $"files[{i}].size", "contradictory");
            for (var slash = file.Path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = file.Path.IndexOf('/', slash + 1))
            {
                folders.Add(file.Path[..slash]);
            }

            rows.Add(new DatasetFileRow { Path = file.Path, SizeBytes = file.Size, Sha256 = hash! });
        }

        // A name cannot be a file and a folder on the machine that reads the dataset.
        for (var i = 0; i < files.Count; i++)
        {
            Check.That(!folders.Contains(files[i].Path), $"files[{i}].path", "duplicate");
        }

        rows.Sort(static (left, right) => string.CompareOrdinal(left.Path, right.Path));
        return new Manifest(rows);
    }
}
