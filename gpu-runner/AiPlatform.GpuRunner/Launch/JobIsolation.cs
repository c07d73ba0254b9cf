using System.Globalization;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>How job code, which is hostile, is kept from everything that is not its own.</summary>
/// <param name="Account">Whom it runs as; null for the runner's own account.</param>
/// <param name="OwnNamespaces">Whether it gets namespaces of its own through bubblewrap.</param>
internal sealed record JobIsolation(UnprivilegedAccount? Account, bool OwnNamespaces)
{
    /// <summary>The program that makes the namespaces.</summary>
    public const string Bubblewrap = "/usr/bin/bwrap";

    // Job code gives way to the runner, which has to keep watching, and to the rest of the platform.
    private const string Niceness = "10";

    /// <summary>The arguments of prlimit(1) for every program; none for no limits.</summary>
    public IReadOnlyList<string> Limits { get; init; } = [];

    /// <summary>Further ones, set within the namespaces, where the kernel counts processes for each rank alone.</summary>
    public IReadOnlyList<string> InnerLimits { get; init; } = [];

    /// <summary>Bytes of files in memory that a sandbox may hold; null for what the kernel allows, which is half of the memory.</summary>
    public long? SharedMemoryBytes { get; init; }

    /// <summary>The last program before job code and its arguments, which gives up what job code must not have; none for none.</summary>
    public IReadOnlyList<string> Guard { get; init; } = [];

    /// <summary>Whether a tag may be set as a pair of limits.</summary>
    public bool TagsByLimits { get; init; }

    /// <summary>Whose the processes are; null for a program that is nobody's.</summary>
    public NodeTag? Tag { get; init; }

    /// <summary>The isolation of a node or a task, by which its processes are known.</summary>
    public JobIsolation For(string node) => this with { Tag = NodeTag.Of(node) };

    // Programs, libraries and their settings. Homes, other disks, /var and the runner's own folders are not there.
    private static readonly string[] SystemFolders =
        ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/sys", "/run/systemd/resolve"];

    /// <summary>
    /// The arguments that start a program in a session of its own, as the account, and in its own view of files and processes. The
    /// network stays shared, because ranks of several nodes meet on it. Pure.
    /// </summary>
    public IReadOnlyList<string> Command(SandboxView view, params ReadOnlySpan<string> program)
    {
        List<string> command = ["/usr/bin/setsid", "--"];
        if (Tag is not null)
        {
            command.AddRange(["/usr/bin/nice", "-n", Niceness, "--"]);
        }

        if ((IReadOnlyList<string>)[.. Limits, .. TagsByLimits && Tag is { } tag ? tag.Limits : []] is { Count: > 0 } limits)
        {
            command.AddRange(["/usr/bin/prlimit", .. limits, "--"]);
        }

        if (Account is not null)
        {
            var groups = Tag is { Value: var group } ? $"--groups={group}" : "--clear-groups";
            command.AddRange(["/usr/bin/setpriv", $"--reuid={Account.UserId}", $"--regid={Account.GroupId}", groups, "--no-new-privs", "--"]);
        }

        if (OwnNamespaces)
        {
            command.AddRange(Enter(view));
            if (InnerLimits.Count > 0)
            {
                command.AddRange(["/usr/bin/prlimit", .. InnerLimits, "--"]);
            }
        }

        command.AddRange(Guard);
        command.AddRange(program);
        return command;
    }

    /// <summary>The guard, see <c>guard.py</c>.</summary>
    /// <param name="python">Python.</param>
    /// <param name="directory">The folder of the training runtime.</param>
    /// <param name="close">Whether it closes interfaces of the kernel.</param>
    /// <param name="ports">Ports that job code cannot take.</param>
    public static IReadOnlyList<string> GuardOf(string python, string directory, bool close, IReadOnlyCollection<int> ports)
        =>
        [
            python, "-I", "-S", Path.Combine(directory, "aiplatform_runtime", "guard.py"),
            .. close ? (string[])["--close"] : [],
            .. ports.Count == 0 ? (string[])[] : ["--ports", string.Join(',', ports.Select(static port => port.ToString(CultureInfo.InvariantCulture)))],
            "--",
        ];

    /// <summary>The environment, in which the programs up to the guard speak English, for their words are understood; the guard takes it back.</summary>
    public IReadOnlyDictionary<string, string> Environment(Dictionary<string, string> environment)
    {
        if (Guard.Count > 0)
        {
            environment["LC_ALL"] = "C";
        }

        return environment;
    }

    /// <summary>The folders that a Python outside of the system's folders needs: its own, and the one that it links to.</summary>
    public static IEnumerable<string> FoldersOf(string python)
    {
        var target = File.Exists(python) ? File.ResolveLinkTarget(python, returnFinalTarget: true)?.FullName : null;
        return ((string?[])[python, target])
            .Select(static path => Path.GetDirectoryName(Path.GetDirectoryName(path)))
            .OfType<string>()
            .Where(static folder => folder.Length > 1 && !SystemFolders.Any(system => folder == system || folder.StartsWith(system + "/", StringComparison.Ordinal)))
            .Distinct(StringComparer.Ordinal);
    }

    private List<string> Enter(SandboxView view)
    {
        List<string> arguments = [Bubblewrap, "--unshare-user", "--unshare-cgroup-try", "--cap-drop", "ALL"];
        if (SharedMemoryBytes is not null)
        {
            // In namespaces of its own job code could mount file systems in memory.
            arguments.Add("--disable-userns");
        }

        if (!view.Gpus || view.IsAlone)
        {
            arguments.AddRange(["--unshare-pid", "--unshare-ipc"]);
        }

        foreach (var folder in SystemFolders)
        {
            arguments.AddRange(["--ro-bind-try", folder, folder]);
        }

        arguments.AddRange(["--proc", "/proc"]);
        arguments.AddRange(view.Gpus ? ["--dev-bind", "/dev", "/dev"] : ["--dev", "/dev"]);
        if (SharedMemoryBytes is { } bytes)
        {
            arguments.AddRange(
                view.Gpus ? ["--bind", view.SharedMemory ?? "/dev/shm", "/dev/shm"]
                : ["--size", bytes.ToString(CultureInfo.InvariantCulture), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]);
        }

        // Before the folders: these may lie under the machine's own /tmp.
        arguments.AddRange(["--bind", view.TemporaryDirectory, "/tmp"]);
        foreach (var folder in view.Writable)
        {
            arguments.AddRange(["--bind", folder, folder]);
        }

        foreach (var folder in view.ReadOnly)
        {
            arguments.AddRange(["--ro-bind", folder, folder]);
        }

        if (SharedMemoryBytes is not null)
        {
            arguments.AddRange(["--remount-ro", "/"]); // The root itself is a file system in memory.
        }

        arguments.AddRange(["--chdir", view.WorkingDirectory, "--"]);
        return arguments;
    }
}
