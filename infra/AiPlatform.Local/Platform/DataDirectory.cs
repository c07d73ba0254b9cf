using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Local.Processes;

namespace AiPlatform.Local.Platform;

/// <summary>The folder that holds everything of one platform; one launcher at a time.</summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>Where the files of an account go that cannot reach the data directory.</summary>
    private const string SharedRoot = "/var/lib/aiplatform";

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream fileLock)
    {
        Path = path;
        _lock = fileLock;
        Directory.CreateDirectory(Logs);
    }

    public string Path { get; }

    public string Logs => In("logs");

    /// <summary>The path of a file or folder inside.</summary>
    public string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Creates the folder when it is missing and locks it; the lock ends with this process, however it ends.</summary>
    /// <exception cref="InvalidOperationException">Another launcher uses it, or it cannot be written.</exception>
    public static DataDirectory Open(string path, bool reset)
    {
        FileStream fileLock;
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"The data directory {path} cannot be written. Choose another one with --data.", exception);
        }

        try
        {
            fileLock = new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new InvalidOperationException($"The platform already runs on {path}. Stop it, or choose another directory with --data.", exception);
        }

        var directory = new DataDirectory(path, fileLock);
        new ProcessRegister(directory.In("processes.json")).EndSurvivors();
        if (reset)
        {
            directory.Clear();
        }

        return directory;
    }

    /// <summary>Where the folders of what runs as another account under root go: inside, or elsewhere when the account cannot reach the inside.</summary>
    public async Task<string> RootForAsync(string account, CancellationToken cancellationToken)
    {
        if (await AccountAccess.CanReachAsync(account, Path, cancellationToken).ConfigureAwait(false))
        {
            return Path;
        }

        Directory.CreateDirectory(Outside());
        return Outside();
    }

    public void Dispose() => _lock.Dispose();

    private string Outside()
        => System.IO.Path.Combine(SharedRoot, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path)))[..16]);

    private void Clear()
    {
        foreach (var entry in new DirectoryInfo(Path).EnumerateFileSystemInfos().Where(entry => entry.Name != "lock"))
        {
            if (entry is DirectoryInfo { LinkTarget: null } folder)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                entry.Delete();
            }
        }

        if (Environment.IsPrivilegedProcess && Directory.Exists(Outside()))
        {
            Directory.Delete(Outside(), recursive: true);
        }

        Directory.CreateDirectory(Logs);
    }
}
