using AiPlatform.Local.Servers;

namespace AiPlatform.Local.Platform;

/// <summary>Finds the executables of the platform's own processes.</summary>
internal static class ServiceBinaries
{
    private static readonly Dictionary<string, string> Projects = new(StringComparer.Ordinal)
    {
        ["AiPlatform.Functions"] = "functions",
        ["AiPlatform.TaskHub"] = "orchestrations",
        ["AiPlatform.Orchestrations"] = "orchestrations",
        ["AiPlatform.ServiceBusEmulator"] = "infra",
        ["AiPlatform.GpuRunner"] = "gpu-runner",
    };

    /// <summary>The folder of a project's executable.</summary>
    /// <exception cref="InvalidOperationException">It has not been built.</exception>
    public static string Folder(string project) => Path.GetDirectoryName(Find(project))!;

    /// <summary>
    /// The executable of a project: beside the launcher when published (<c>infra/up</c>), else what <c>dotnet build</c>
    /// left in the project's own folder.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has not been built.</exception>
    public static string Find(string project)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var published = Path.Combine(own.Parent!.FullName, project, project);
        if (File.Exists(published))
        {
            return published;
        }

        // …/bin/CONFIGURATION/net10.0/
        var configuration = own.Parent.Name;
        var built = Path.Combine(RepositoryFolders.Root, Projects[project], project, "bin", configuration, own.Name, project);
        return File.Exists(built) ? built : throw new InvalidOperationException($"{project} has not been built. Start the platform with infra/up.");
    }
}
