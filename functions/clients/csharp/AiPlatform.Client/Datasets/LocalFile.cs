namespace AiPlatform.Client.Datasets;

/// <summary>A file on this machine.</summary>
public sealed class LocalFile : IUploadItem
{
    private readonly string _file;

    private LocalFile(string path, string file, long size)
    {
        Path = path;
        _file = file;
        Size = size;
    }

    /// <inheritdoc />
    public string Path { get; }

    /// <inheritdoc />
    public long Size { get; }

    /// <summary>A file, or the files below a folder in the order of their paths. Links to files are followed, links to folders are not.</summary>
    /// <param name="source">A file or a folder.</param>
    /// <param name="prefix">Folder in the dataset that the files go into; null for none.</param>
    /// <exception cref="FileNotFoundException">There is nothing at <paramref name="source"/>.</exception>
    public static IReadOnlyList<LocalFile> From(string source, string? prefix = null)
    {
        var folder = string.IsNullOrEmpty(prefix) ? string.Empty : prefix.TrimEnd('/') + "/";
        if (File.Exists(source))
        {
            return [new LocalFile(folder + System.IO.Path.GetFileName(source), source, new FileInfo(source).Length)];
        }

        if (!Directory.Exists(source))
        {
            throw new FileNotFoundException($"There is no file or folder {source}.", source);
        }

        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };
        return
        [
            .. Directory.EnumerateFiles(source, "*", options)
                .Select(file => new LocalFile(
                    folder + System.IO.Path.GetRelativePath(source, file).Replace(System.IO.Path.DirectorySeparatorChar, '/'), file, new FileInfo(file).Length))
                .OrderBy(file => file.Path, StringComparer.Ordinal),
        ];
    }

    /// <inheritdoc />
    public Task<Stream> OpenAsync(CancellationToken cancellationToken)
        => Task.FromResult<Stream>(new FileStream(_file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan));
}
