using System.ComponentModel;
using System.Diagnostics;
using AiPlatform.GpuRunner.Detect;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// Finds out, before any work is taken, how job code can be isolated on this machine: containers and some kernels allow no
/// namespaces, and only a try tells.
/// </summary>
internal sealed class IsolationCheck(IOptions<RunnerOptions> options, DeviceDetector devices, ILogger<IsolationCheck> logger) : IHostedService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The isolation of all job code of this runner.</summary>
    public JobIsolation Isolation { get; private set; } = Outside(options.Value, devices.Gpus.Count);

    /// <inheritdoc />
    /// <exception cref="InvalidOperationException">Namespaces are required and impossible.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await RehearseAsync(cancellationToken).ConfigureAwait(false);
        var mode = options.Value.Sandbox;
        if (mode == SandboxMode.Off)
        {
            return;
        }

        var isolation = Isolation with
        {
            OwnNamespaces = true, SharedMemoryBytes = options.Value.Limits.MostMemory,
            InnerLimits = CountsByNamespace ? options.Value.Limits.InnerArguments(HardLimit) : [],
        };
        if (await TryAsync(isolation, cancellationToken).ConfigureAwait(false) is not { } problem)
        {
            Isolation = isolation;
        }
        else if (await TryAsync(isolation with { SharedMemoryBytes = null }, cancellationToken).ConfigureAwait(false) is null)
        {
            // A bubblewrap before 0.8.
            Isolation = isolation with { SharedMemoryBytes = null };
            Logs.UnboundedSandbox(logger, problem);
        }
        else if (mode == SandboxMode.Required)
        {
            throw new InvalidOperationException($"Runner:Sandbox is Required, but job code cannot get namespaces of its own: {problem}");
        }
        else
        {
            Logs.NoNamespaces(logger, problem);
        }
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Once all code has run that ends a job: on a machine that job code has filled with processes, compiling it would take a minute.
    private async Task RehearseAsync(CancellationToken cancellationToken)
    {
        var node = $"rehearsal-{Guid.NewGuid():N}";
        using var process = new Process { StartInfo = new ProcessStartInfo("/usr/bin/setsid", ["--", "/bin/sleep", "60"]) { UseShellExecute = false } };
        process.Start();
        var entry = ProcessTree.Read(process.Id) ?? default;
        var known = new HashSet<(int, ulong)> { (entry.Id, entry.StartTime) };
        using var watch = new LimitWatch(options.Value.Limits, 1, [], TimeProvider.System);
        await watch.LookAsync([entry], node, known).ConfigureAwait(false);
        await WatchThread.RunAsync(() => ProcessTree.StopBeyond(0, node, known)).ConfigureAwait(false);
        await ProcessTree.EndAsync(node, known, TimeSpan.Zero, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
    }

    // Since Linux 5.14 each user namespace has counts of its own.
    private static bool CountsByNamespace => Environment.OSVersion.Version >= new Version(5, 14);

    private static JobIsolation Outside(RunnerOptions options, int gpus)
    {
        var account = UnprivilegedAccount.Find(options);
        return new JobIsolation(account, OwnNamespaces: false)
        {
            Limits = options.Limits.Arguments(HardLimit, (options.MaxNodes * Math.Max(1, gpus)) + options.MaxTasks, account is not null),
            TagsByLimits = HardLimit(NodeTag.Locks) is null && HardLimit(NodeTag.Resident) is null,
        };
    }

    private static long? HardLimit(string name) => JobLimits.HardLimit(File.ReadLines("/proc/self/limits"), name);

    // Null when Python starts in a sandbox, else why not.
    private async Task<string?> TryAsync(JobIsolation isolation, CancellationToken cancellationToken)
    {
        if (!File.Exists(JobIsolation.Bubblewrap))
        {
            return $"{JobIsolation.Bubblewrap} is missing (package bubblewrap).";
        }

        var python = options.Value.Python;
        var view = new SandboxView("/", "/usr", [], [.. JobIsolation.FoldersOf(python), .. options.Value.SandboxFolders], Gpus: false);
        var command = isolation.Command(view, python, "-c", "pass");
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardError = true, UseShellExecute = false };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception exception)
        {
            return exception.Message;
        }

        try
        {
            var errors = await process.StandardError.ReadToEndAsync(patience.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            return process.ExitCode == 0 ? null : errors.Trim();
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            return $"a try did not end within {Patience.TotalSeconds} s.";
        }
    }
}
