using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Runs;
using Azure;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>Artifacts that clients write themselves, by <c>file:</c> or Blob URIs: where they go, what lies there below the configured root, and its deletion.</summary>
internal sealed class DirectArtifacts(IOptions<MLflowOptions> options, BlobStorage storage)
{
    private const int MaxEntries = 10_000;
    private const string Proxied = "mlflow-artifacts:";
    private static readonly string[] LocalHosts = ["///", "//localhost/", "//127.0.0.1/"];

    private string? Root => options.Value.ArtifactRoot?.TrimEnd('/');

    /// <summary>Whether a root is one that this class understands.</summary>
    public static bool IsRoot(string root) => FilePath(root.TrimEnd('/')) is not null || Blob(root) is not null;

    /// <summary>The location of a new experiment: what the client asks for, else below the root; null for the proxy.</summary>
    public string? LocationOf(string experimentId, string? asked)
        => asked is { Length: > 0 } ? asked.StartsWith(Proxied, StringComparison.Ordinal) ? null : asked.TrimEnd('/') : Root is { } root ? $"{root}/{experimentId}" : null;

    /// <summary>What lies directly in a folder of a run.</summary>
    /// <param name="location">The experiment's location.</param>
    /// <param name="path">Below the run's artifacts; checked.</param>
    /// <exception cref="MLflowException">NOT_IMPLEMENTED: the location is not below the root.</exception>
    public async Task<IReadOnlyList<ArtifactEntry>> ListAsync(string location, string runId, string path, CancellationToken cancellationToken)
    {
        if (!IsBelowRoot(location))
        {
            throw new MLflowException("NOT_IMPLEMENTED", $"This server does not read artifacts in '{location}'. Ask the storage itself.");
        }

        var folder = $"{location}/{runId}/artifacts{(path.Length > 0 ? "/" + path : string.Empty)}";
        return FilePath(folder) is { } directory
            ? ListDirectory(directory, path)
            : Blob(folder) is { } blob
                ? await ListBlobsAsync(blob.Container, blob.Prefix, path, cancellationToken)
                : throw new MLflowException("NOT_IMPLEMENTED", $"This server does not read artifacts in '{location}'. Ask the storage itself.");
    }

    /// <summary>Whether a location lies below the configured root.</summary>
    public bool IsBelowRoot(string location)
        => Root is { } root && (location + "/").StartsWith(root + "/", StringComparison.Ordinal) && !location.Contains("..", StringComparison.Ordinal) && location.AsSpan().IndexOfAny('%', '?') < 0;

    /// <summary>The path below a run's artifacts of a URI; null when it leads elsewhere, or the run's artifacts do not lie below the root.</summary>
    public string? PathOf(KnownRun run, string uri)
    {
        if (run.ArtifactLocation is not { } location || !IsBelowRoot(location) || (uri = Plain(uri)).Length == 0
            || !(uri + "/").StartsWith($"{location}/{run.Id}/artifacts/", StringComparison.Ordinal))
        {
            return null;
        }

        var path = uri[$"{location}/{run.Id}/artifacts".Length..].Trim('/');
        return path.Length == 0 || RelativePath.Problem(path) is null ? path : null;
    }

    /// <summary>Opens a file of a run; null when there is none, or when the location is not below the root.</summary>
    /// <param name="path">Below the run's artifacts; checked.</param>
    public async Task<Stream?> OpenAsync(string location, string runId, string path, CancellationToken cancellationToken)
    {
        var uri = $"{location}/{runId}/artifacts/{path}";
        if (!IsBelowRoot(location))
        {
            return null;
        }

        // Pipes and devices, which could be read for ever, have no length.
        return FilePath(uri) is { } name
            ? !HasLink(name) && new FileInfo(name) is { Exists: true, Length: > 0 } file ? file.OpenRead() : null
            : Blob(uri) is { } blob ? await storage.OpenReadAsync(blob.Container, blob.Prefix, 0, null, cancellationToken) : null;
    }

    /// <summary>Deletes a run's artifacts, at most so many files of them; the rest, and what could not be deleted, is for the next call.</summary>
    /// <param name="folder"><c>{location}/{run}</c>.</param>
    public async Task<DirectDeletion> DeleteAsync(string folder, int max, CancellationToken cancellationToken)
        => !IsBelowRoot(folder) ? new DirectDeletion(0, 0, IsDone: false, "it is not below the artifact root")
            : FilePath(folder) is { } directory ? DeleteDirectory(directory, max)
            : Blob(folder) is { } blob ? await DeleteBlobsAsync(blob.Container, $"{blob.Prefix}/artifacts/", max, cancellationToken)
            : new DirectDeletion(0, 0, IsDone: false, "it is neither a file URI nor a Blob URI");

    private DirectDeletion DeleteDirectory(string run, int max)
    {
        // A share that is not mounted looks as if everything were deleted.
        if (!Directory.Exists(FilePath(Root!)))
        {
            return new DirectDeletion(0, 0, IsDone: false, "the artifact root is not there");
        }

        var deletion = new FolderDeletion(max);
        try
        {
            if (HasLink(Path.GetDirectoryName(run)!))
            {
                return new DirectDeletion(0, 0, IsDone: false, "a link leads there");
            }

            var folder = new DirectoryInfo(run);
            var done = deletion.Delete(folder.LinkTarget is null ? new DirectoryInfo(Path.Combine(run, "artifacts")) : folder);
            if (done && folder.Exists && !folder.EnumerateFileSystemInfos().Any())
            {
                folder.Delete();
            }

            return new DirectDeletion(deletion.Files, deletion.Bytes, done, null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new DirectDeletion(deletion.Files, deletion.Bytes, IsDone: false, exception.Message);
        }
    }

    private async Task<DirectDeletion> DeleteBlobsAsync(string container, string prefix, int max, CancellationToken cancellationToken)
    {
        var (files, bytes) = (0, 0L);
        try
        {
            var blobs = await storage.ListFolderAsync(container, prefix, max, recursive: true, cancellationToken);

            // Backwards: where the storage has real folders, they are listed before what they contain, and are deleted empty.
            foreach (var (name, _, length) in blobs.Reverse())
            {
                if (await storage.DeleteAsync(container, prefix + name, cancellationToken))
                {
                    files++;
                    bytes += length;
                }
            }

            return new DirectDeletion(files, bytes, blobs.Count < max, null);
        }
        catch (RequestFailedException exception)
        {
            return new DirectDeletion(files, bytes, IsDone: false, $"{exception.Status} {exception.ErrorCode}");
        }
    }

    // A link could lead out of the root.
    private bool HasLink(string path)
    {
        for (var end = FilePath(Root!)!.Length; end < path.Length;)
        {
            end = path.IndexOf('/', end + 1) is > 0 and var slash ? slash : path.Length;
            if (new FileInfo(path[..end]).LinkTarget is not null)
            {
                return true;
            }
        }

        return false;
    }

    private List<ArtifactEntry> ListDirectory(string directory, string path)
    {
        if (!Directory.Exists(directory) || HasLink(directory))
        {
            return [];
        }

        return [.. new DirectoryInfo(directory).EnumerateFileSystemInfos().Where(static entry => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint)).Take(MaxEntries)
            .Select(entry => new ArtifactEntry(Below(path, entry.Name), entry is DirectoryInfo, entry is FileInfo file ? file.Length : 0)).OrderBy(static entry => entry.Path, StringComparer.Ordinal)];
    }

    private async Task<IReadOnlyList<ArtifactEntry>> ListBlobsAsync(string container, string prefix, string path, CancellationToken cancellationToken)
        => [.. (await storage.ListFolderAsync(container, prefix + "/", MaxEntries, recursive: false, cancellationToken)).Select(entry => new ArtifactEntry(Below(path, entry.Name), entry.IsFolder, entry.Length))];

    // Clients name the same folder as file:///a/b, file:/a/b, /a/b or /a/./c/../b; empty for a file URI with another host.
    private static string Plain(string uri)
    {
        const string scheme = "file:";
        var isFile = uri.StartsWith(scheme, StringComparison.OrdinalIgnoreCase);
        if (!isFile && !uri.StartsWith('/'))
        {
            return uri;
        }

        var path = isFile ? LocationUri.Decoded(uri[scheme.Length..]) : uri;
        foreach (var host in LocalHosts)
        {
            if (isFile && path.StartsWith(host, StringComparison.OrdinalIgnoreCase))
            {
                path = path[(host.Length - 1)..];
                break;
            }
        }

        return path.StartsWith("//", StringComparison.Ordinal) || !path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal)
            ? string.Empty
            : "file://" + Path.GetFullPath(path);
    }

    private static string Below(string path, string name) => path.Length == 0 ? name : $"{path}/{name}";

    private static string? FilePath(string uri)
        => uri.StartsWith("file:///", StringComparison.Ordinal) && uri["file://".Length..] is var path && Path.GetFullPath(path) == path ? path : null;

    // wasbs://container@account.host/prefix, in the platform's account but not in its own containers. The prefix as it is written: a Uri would escape it.
    private static (string Container, string Prefix)? Blob(string uri)
        => Uri.TryCreate(uri, UriKind.Absolute, out var parsed) && parsed.Scheme is "wasbs" or "wasb" or "abfss" && parsed.UserInfo is { Length: > 0 } container && !BlobStorage.Containers.Contains(container)
            ? (container, uri.Split('/', 4) is [_, _, _, var prefix] ? prefix.Trim('/') : string.Empty)
            : null;
}
