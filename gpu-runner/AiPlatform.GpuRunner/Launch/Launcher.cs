using System.Globalization;
using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Workspace;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>Where and how the ranks of one node run.</summary>
/// <param name="Gpus">The devices of this node's ranks; empty for CPU.</param>
/// <param name="SocketPath">The runtime's Unix socket.</param>
internal sealed record LaunchContext(
    NodeKey Key, string RunId, JobResources Resources, Rendezvous Rendezvous, NodeWorkspace Workspace, string SocketPath,
    string RuntimeDirectory, IReadOnlyList<int> Gpus, string? Traceparent)
{
    /// <summary>See <see cref="SandboxView.SharedMemory"/>.</summary>
    public string? SharedMemory { get; init; }
}

/// <summary>Builds what is started for each rank. Pure: the same input gives the same plan.</summary>
internal static class Launcher
{
    /// <summary>How OpenMP's threads wait for each other.</summary>
    public const string WaitPolicy = "OMP_WAIT_POLICY";

    // What a training script may need of the machine's set-up; everything else of the runner's environment stays here.
    private static readonly string[] Inherited =
        ["PATH", "LD_LIBRARY_PATH", "LANG", "TZ", WaitPolicy, "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_VISIBLE_DEVICES", "CUDA_HOME"];

    private static readonly string[] InheritedPrefixes = ["NCCL_", "GLOO_", "FI_", "UCX_"];

    /// <summary>The plans of this node's ranks.</summary>
    /// <param name="inherited">The runner's environment; only a short list of it is passed on.</param>
    public static IReadOnlyList<LaunchPlan> Plan(
        LaunchContext context, RunnerOptions options, JobIsolation isolation, IReadOnlyDictionary<string, string> inherited)
        => [.. Enumerable.Range(0, context.Resources.ProcessesPerNode).Select(local => new LaunchPlan(
            context.Key.ToString(),
            Rank(context, local),
            context.Workspace.CodeDirectory,
            Command(context, options, isolation),
            isolation.Environment(Environment(context, local, inherited))))];

    private static int Rank(LaunchContext context, int local) => (context.Key.Node * context.Resources.ProcessesPerNode) + local;

    private static IReadOnlyList<string> Command(LaunchContext context, RunnerOptions options, JobIsolation isolation)
    {
        var workspace = context.Workspace;
        var view = new SandboxView(
            workspace.CodeDirectory,
            workspace.TemporaryDirectory,
            [workspace.Root],
            [
                workspace.DataDirectory, context.RuntimeDirectory, Path.GetDirectoryName(context.SocketPath)!,
                .. JobIsolation.FoldersOf(options.Python), .. options.SandboxFolders,
            ],
            context.Gpus.Count > 0)
        {
            SharedMemory = context.SharedMemory,
            IsAlone = context.Resources.ProcessesPerNode == 1,
        };
        return isolation.Command(view, options.Python, "-u", workspace.Entrypoint);
    }

    private static Dictionary<string, string> Environment(LaunchContext context, int local, IReadOnlyDictionary<string, string> inherited)
    {
        var resources = context.Resources;
        var environment = new Dictionary<string, string>();
        foreach (var (name, value) in inherited)
        {
            if (Inherited.Contains(name) || InheritedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
            {
                environment[name] = value;
            }
        }

        environment.TryAdd("PATH", "/usr/local/bin:/usr/bin:/bin");
        environment.TryAdd("LANG", "C.UTF-8");
        environment["HOME"] = context.Workspace.HomeDirectory;
        environment["TMPDIR"] = context.Workspace.TemporaryDirectory;
        environment["PYTHONUNBUFFERED"] = "1";
        environment["PYTHONDONTWRITEBYTECODE"] = "1";
        environment["PYTHONPATH"] = $"{context.Workspace.CodeDirectory}:{context.RuntimeDirectory}";

        // The contract of torch.distributed.
        environment["RANK"] = Text(Rank(context, local));
        environment["LOCAL_RANK"] = Text(local);
        environment["WORLD_SIZE"] = Text(resources.Nodes * resources.ProcessesPerNode);
        environment["LOCAL_WORLD_SIZE"] = Text(resources.ProcessesPerNode);
        environment["GROUP_RANK"] = Text(context.Key.Node);
        environment["NODE_RANK"] = Text(context.Key.Node);
        environment["MASTER_ADDR"] = context.Rendezvous.MasterHost;
        environment["MASTER_PORT"] = Text(context.Rendezvous.MasterPort);
        environment["OMP_NUM_THREADS"] = Text(Math.Max(1, System.Environment.ProcessorCount / resources.ProcessesPerNode));

        // Threads that wait spin by default: where ranks share processors that keeps the one from its work that the others wait for.
        environment.TryAdd(WaitPolicy, "PASSIVE");
        if (context.Rendezvous.MasterHost is "127.0.0.1" or "localhost")
        {
            // Else gloo resolves the machine's name, which may lead nowhere.
            environment.TryAdd("GLOO_SOCKET_IFNAME", "lo");
        }

        // As under torchrun, each rank sees all GPUs of its node and takes number LOCAL_RANK; an empty list hides them.
        environment["CUDA_VISIBLE_DEVICES"] = string.Join(',', context.Gpus);

        environment["AIP_NODE"] = context.Key.ToString(); // For people: nothing rests on what job code can write.
        environment["AIP_SOCKET"] = context.SocketPath;
        environment["AIP_JOB_ID"] = context.Key.JobId;
        environment["AIP_RUN_ID"] = context.RunId;
        environment["AIP_ATTEMPT"] = Text(context.Key.Attempt);
        environment["AIP_DATA_DIR"] = context.Workspace.DataDirectory;
        environment["AIP_PARAMS"] = context.Workspace.ParamsFile;
        if (context.Traceparent is not null)
        {
            environment["TRACEPARENT"] = context.Traceparent;
        }

        return environment;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
