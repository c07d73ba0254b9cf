using System.ComponentModel;
using System.Diagnostics;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Workspace;
using AiPlatform.Hosting;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// Finds out, before any work is taken, how job code can be isolated on this machine: containers and some kernels allow no
/// namespaces, and only a try tells.
/// </summary>
internal sealed class IsolationCheck(IOptions<RunnerOptions> options, DeviceDetector devices, TimeProvider time, ILogger<IsolationCheck> logger)
    : IHostedService
{
    private const int SignalBase = 128;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>The isolation of all job code of this runner.</summary>
    public JobIsolation Isolation { get; private set; } = Outside(options.Value, devices.Gpus.Count);

    /// <inheritdoc />
    /// <exception cref="InvalidOperationException">Namespaces are required and impossible.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await RehearseAsync(cancellationToken).ConfigureAwait(false);
        if (options.Value.Sandbox != SandboxMode.Off)
        {
            await EnterAsync(options.Value.Sandbox, cancellationToken).ConfigureAwait(false);
        }

        await GuardAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task EnterAsync(SandboxMode mode, CancellationToken cancellationToken)
    {
        var isolation = Isolation with
        {
            OwnNamespaces = true,
            SharedMemoryBytes = options.Value.Limits.MostMemory,
            InnerLimits = CountsByNamespace ? options.Value.Limits.InnerArguments(HardLimit) : [],
        };
        if (await InsistAsync(isolation, cancellationToken).ConfigureAwait(false) is not { } problem)
        {
            Isolation = isolation;
        }
        else if (await InsistAsync(isolation with { SharedMemoryBytes = null }, cancellationToken).ConfigureAwait(false) is null)
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

    // With as much as the kernel and Python can.
    private async Task GuardAsync(CancellationToken cancellationToken)
    {
        var directory = WorkspaceStager.PythonDirectoryOf(options.Value);
        foreach (var (close, ports) in ((bool, int[])[])[(true, options.Value.ReservedPorts), (true, []), (false, [])])
        {
            var guarded = Isolation with { Guard = JobIsolation.GuardOf(options.Value.Python, directory, close, ports) };
            if (await InsistAsync(guarded, cancellationToken).ConfigureAwait(false) is not { } problem)
            {
                Isolation = guarded;
                return;
            }

            Logs.Unguarded(logger, problem);
        }
    }

    // Null when Python starts in a sandbox, else why it never will. What fails only for now is tried again: others may have taken all
    // processes of the account, and job code must not lose its sandbox for that.
    private async Task<string?> InsistAsync(JobIsolation isolation, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (problem, temporary) = await TryAsync(isolation, cancellationToken).ConfigureAwait(false);
            if (problem is null || !temporary)
            {
                return problem;
            }

            if (attempt == options.Value.StartAttempts)
            {
                throw new InvalidOperationException($"Job code cannot get a sandbox just now, and without one it is not run: {problem}");
            }

            Logs.NoNamespacesYet(logger, problem);
            await Task.Delay(BackOff.After(attempt, FirstPause, LongestPause), time, cancellationToken).ConfigureAwait(false);
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

    // No problem when Python starts in a sandbox; else why not, and whether only for now.
    private async Task<(string? Problem, bool Temporary)> TryAsync(JobIsolation isolation, CancellationToken cancellationToken)
    {
        if (isolation.OwnNamespaces && !File.Exists(JobIsolation.Bubblewrap))
        {
            return ($"{JobIsolation.Bubblewrap} is missing (package bubblewrap).", false);
        }

        var python = options.Value.Python;
        var view = new SandboxView("/", "/usr", [], [.. JobIsolation.FoldersOf(python), .. options.Value.SandboxFolders, .. isolation.Guard.Count > 0 ? (string[])[WorkspaceStager.PythonDirectoryOf(options.Value)] : []],
            Gpus: false);
        var command = isolation.Command(view, python, "-c", "pass");
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardError = true, UseShellExecute = false };
        start.Environment["LC_ALL"] = "C";
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception exception)
        {
            return (exception.Message, StartFailure.IsTemporary(exception));
        }

        try
        {
            var errors = (await process.StandardError.ReadToEndAsync(patience.Token).ConfigureAwait(false)).Trim();
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            return process.ExitCode switch
            {
                0 => (null, false),
                > SignalBase and var code => ($"a try was ended by signal {code - SignalBase}. {errors}", true),
                var code => (errors, StartFailure.IsTemporary(code, errors)),
            };
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            return ($"a try did not end within {Patience.TotalSeconds} s.", true);
        }
    }
}
