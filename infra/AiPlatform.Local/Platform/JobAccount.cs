using AiPlatform.Local.Processes;
using AiPlatform.Local.Servers;

namespace AiPlatform.Local.Platform;

/// <summary>Under root, job code runs as an account without rights; this prepares what that account must reach.</summary>
/// <param name="Root">Where the runners' data directories go.</param>
/// <param name="PythonDirectory">The training runtime and the recipes.</param>
internal sealed record JobAccount(string Root, string PythonDirectory)
{
    /// <summary>The account; it is on every Unix and owns nothing.</summary>
    public const string Name = "nobody";

    /// <summary>Finds folders that the account reaches, and copies the runtime there when it is out of reach where it is.</summary>
    public static async Task<JobAccount> PrepareAsync(DataDirectory data, CancellationToken cancellationToken)
    {
        var root = await data.RootForAsync(Name, cancellationToken).ConfigureAwait(false);
        var python = Path.Combine(RepositoryFolders.Root, "gpu-runner", "python");
        if (!await AccountAccess.CanReachAsync(Name, python, cancellationToken).ConfigureAwait(false))
        {
            var copy = Path.Combine(root, "python");
            if (Directory.Exists(copy))
            {
                Directory.Delete(copy, recursive: true); // the copy of an earlier version
            }

            Copy(new DirectoryInfo(python), copy);
            python = copy;
        }

        return new JobAccount(root, python);
    }

    private static void Copy(DirectoryInfo source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in source.EnumerateFiles())
        {
            file.CopyTo(Path.Combine(target, file.Name));
        }

        foreach (var folder in source.EnumerateDirectories().Where(static folder => folder.Name != "__pycache__"))
        {
            Copy(folder, Path.Combine(target, folder.Name));
        }
    }
}
