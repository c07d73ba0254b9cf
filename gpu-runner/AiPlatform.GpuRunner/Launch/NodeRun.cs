using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Report;
using AiPlatform.GpuRunner.Sample;
using AiPlatform.GpuRunner.Workspace;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>How a node ended.</summary>
internal sealed record NodeOutcome(JobEventKind Kind, int? ExitCode = null, string? Reason = null);

/// <summary>One node from the claim to the last report.</summary>
internal sealed class NodeRun(
    NodeServices services, NodeKey key, NodeAssignment assignment, NodeDirectory directory, NodeJournal journal, string? traceparent)
{
    private static readonly TimeSpan OutputDeadline = TimeSpan.FromSeconds(5);

    private readonly HashSet<(int Id, ulong StartTime)> _processes = [];
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _logger = services.Loggers.CreateLogger<NodeRun>();
    private string? _cancelReason;
    private string? _exceeded;
    private volatile ProcessEntry[] _ranks = [];

    /// <summary>The node.</summary>
    public NodeKey Key => key;

    /// <summary>The token of its reports.</summary>
    public JobToken Token => journal.Token;

    /// <summary>What the platform wants of the code.</summary>
    public NodeWishes Wishes { get; } = new();

    /// <summary>Stops the node. Repeating it is harmless.</summary>
    public void Cancel(string? reason)
    {
        Wishes.Stop = true;
        Interlocked.CompareExchange(ref _cancelReason, reason ?? "cancelled", null);
        if (_cancelled.TrySetResult())
        {
            Logs.Commanded(_logger, key, "cancel", reason);
        }
    }

    /// <summary>Runs the node and reports all of it.</summary>
    /// <param name="stopping">The runner stops: the node is given up, and what it has said is reported as far as there is time.</param>
    public async Task RunAsync(CancellationToken stopping)
    {
        await journal.StartAsync(CancellationToken.None).ConfigureAwait(false);
        var outcome = await ExecuteAsync(stopping).ConfigureAwait(false);
        Logs.Ended(_logger, key, outcome.Kind.ToString());
        Logs.Remaining(_logger, directory.DeleteWorkspace());

        using var patience = new CancellationTokenSource();
        await using var giveUp = stopping.Register(() => patience.CancelAfter(services.Options.StopPatience)).ConfigureAwait(false);
        try
        {
            if (outcome.Kind == JobEventKind.Lost)
            {
                // The sooner the platform knows, the sooner another runner goes on; the rest follows now or at the next start.
                await AddEventAsync(outcome).ConfigureAwait(false);
                await journal.SendEventsAsync(patience.Token).ConfigureAwait(false);
                await journal.UploadAllAsync(patience.Token).ConfigureAwait(false);
                return;
            }

            await journal.UploadAllAsync(patience.Token).ConfigureAwait(false);
            if (outcome.Kind == JobEventKind.Finished && directory.ReadRefusal() is { } refusal)
            {
                outcome = new NodeOutcome(JobEventKind.Failed, outcome.ExitCode, refusal);
            }

            await AddEventAsync(outcome).ConfigureAwait(false);
            await journal.SendEventsAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // The next start finds the folder and sends the rest.
        }
    }

    /// <summary>Whether everything was sent, so that the folder can go.</summary>
    public bool IsReported => journal.IsUploaded && journal.Pending == 0;

    private Task AddEventAsync(NodeOutcome outcome)
        => journal.AddEventAsync(
            new JobEvent(
                Guid.CreateVersion7().ToString("N"), key.JobId, key.Attempt, key.Node, outcome.Kind, services.Time.GetUtcNow(),
                outcome.ExitCode, outcome.Reason, services.Identity.Id),
            CancellationToken.None);

    private async Task<NodeOutcome> ExecuteAsync(CancellationToken stopping)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(assignment.Spec.TimeoutSeconds), services.Time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping);
        var cancelling = _cancelled.Task.ContinueWith(_ => ended.Cancel(), TaskScheduler.Default);
        var count = assignment.Spec.Resources.ProcessesPerNode * assignment.Spec.Resources.GpusPerProcess;
        if (services.Gpus.TryTake(count) is not { } gpus)
        {
            return new NodeOutcome(JobEventKind.Failed, Reason: $"The runner has fewer than {count} free GPUs.");
        }

        try
        {
            return await StageAndRunAsync(gpus, ended.Token).ConfigureAwait(false)
                ?? Interrupted(timeout.IsCancellationRequested, stopping.IsCancellationRequested);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            return Interrupted(timeout.IsCancellationRequested, stopping.IsCancellationRequested);
        }
        catch (WorkspaceException exception)
        {
            return new NodeOutcome(JobEventKind.Failed, Reason: exception.Message);
        }
        catch (Exception exception)
        {
            Logs.NodeCrashed(_logger, exception, key);
            return new NodeOutcome(JobEventKind.Failed, Reason: $"The runner could not run the node: {exception.Message}");
        }
        finally
        {
            // Nothing of a node outlives it, whatever happened above.
            if (!await ProcessTree.EndAsync(key.ToString(), _processes, TimeSpan.Zero, services.Time, CancellationToken.None).ConfigureAwait(false))
            {
                Logs.Unkillable(_logger, key);
            }

            services.Gpus.Return(gpus);
            _cancelled.TrySetCanceled(CancellationToken.None);
            await cancelling.ConfigureAwait(false);
        }
    }

    private NodeOutcome Interrupted(bool timedOut, bool stopping)
    {
        if (_cancelReason is { } reason)
        {
            return new NodeOutcome(JobEventKind.Cancelled, Reason: reason);
        }

        return timedOut || !stopping
            ? new NodeOutcome(JobEventKind.Failed, Reason: $"The attempt did not end within its timeout of {assignment.Spec.TimeoutSeconds} s.")
            : new NodeOutcome(JobEventKind.Lost, Reason: "The runner was stopped.");
    }

    // Null when the run was interrupted.
    private async Task<NodeOutcome?> StageAndRunAsync(IReadOnlyList<int> gpus, CancellationToken cancellationToken)
    {
        var preparation = new NodePreparation(services, key, assignment, directory);
        var (workspace, checkpoint) = await preparation.StageAsync(cancellationToken).ConfigureAwait(false);
        var rendezvous = await preparation.MeetAsync(cancellationToken).ConfigureAwait(false);
        string root;
        await using (var file = File.OpenRead(workspace.ParamsFile))
        {
            root = Path.GetDirectoryName(SafePath.OpenedPath(file))!;
        }

        var socketDirectory = CreateFolder(journal.State.SocketDirectory);
        var sharedMemory = gpus.Count > 0 && services.Isolation.OwnNamespaces ? journal.State.SharedMemoryDirectory : null;
        try
        {
            if (sharedMemory is not null)
            {
                services.Isolation.Account?.Own(CreateFolder(sharedMemory));
            }

            var socket = Path.Combine(socketDirectory, "runtime.sock");
            await using var server = new RuntimeServer(socket, root, journal, checkpoint, Wishes, id => ProcessTree.IsBelow(id, _ranks), _logger);
            services.Isolation.Account?.Own(socketDirectory);
            var context = new LaunchContext(
                key, assignment.RunId, assignment.Spec.Resources, rendezvous, workspace, socket, services.Stager.PythonDirectory, gpus, traceparent)
            {
                SharedMemory = sharedMemory,
            };
            var metrics = await StartMetricsAsync(gpus).ConfigureAwait(false);
            try
            {
                using var watch = new LimitWatch(
                    services.Options.Limits, assignment.Spec.Resources.ProcessesPerNode,
                    [workspace.CodeDirectory, workspace.HomeDirectory, workspace.TemporaryDirectory], services.Time, sharedMemory);
                var plans = Launcher.Plan(context, services.Options, services.Isolation.For(key.ToString()), RunnerEnvironment());
                return await RunRanksAsync(plans, watch, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                if (metrics is not null)
                {
                    await metrics.StopAsync(CancellationToken.None).ConfigureAwait(false);
                    metrics.Dispose();
                }
            }
        }
        finally
        {
            Logs.Remaining(_logger, JobFolder.TryDelete(socketDirectory));
            Logs.Remaining(_logger, JobFolder.TryDelete(journal.State.SharedMemoryDirectory));
        }
    }

    private async Task<SystemMetrics?> StartMetricsAsync(IReadOnlyList<int> gpus)
    {
        if (services.Options.SystemMetricsInterval <= TimeSpan.Zero)
        {
            return null;
        }

        var metrics = new SystemMetrics(
            new SystemSampler(services.Devices, key, gpus, directory.Path), journal, key, services.Options.SystemMetricsInterval, services.Time,
            services.Loggers.CreateLogger<SystemMetrics>());
        await metrics.StartAsync(CancellationToken.None).ConfigureAwait(false);
        return metrics;
    }

    private async Task<NodeOutcome?> RunRanksAsync(IReadOnlyList<LaunchPlan> plans, LimitWatch watch, CancellationToken cancellationToken)
    {
        var kills = ExitReason.OutOfMemoryKills();
        var ranks = new List<RankProcess>(plans.Count);
        try
        {
            var failed = await WaitAsync(plans, ranks, watch, cancellationToken).ConfigureAwait(false);
            var interrupted = failed is null
                && (ranks.Count < plans.Count || !ranks.TrueForAll(static rank => rank.Exited is { IsCompletedSuccessfully: true, Result: 0 }));
            var outOfMemory = ExitReason.OutOfMemoryKills() > kills;
            var grace = _exceeded is null && (interrupted || failed is not null) ? services.Options.KillGrace : TimeSpan.Zero;
            await ProcessTree.EndAsync(key.ToString(), _processes, grace, services.Time, CancellationToken.None).ConfigureAwait(false);
            await Task.WhenAll(ranks.Select(rank => rank.FinishOutputAsync(OutputDeadline, services.Time))).ConfigureAwait(false);
            if (_exceeded is not null)
            {
                return new NodeOutcome(JobEventKind.Failed, Reason: _exceeded);
            }

            if (failed is not null)
            {
                var code = await failed.Exited.ConfigureAwait(false);
                return new NodeOutcome(JobEventKind.Failed, code, ExitReason.Describe(failed.Rank, code, outOfMemory, failed.Log.LastLines()));
            }

            return interrupted ? null : new NodeOutcome(JobEventKind.Finished, 0);
        }
        finally
        {
            if (!ranks.TrueForAll(static rank => rank.Exited.IsCompleted))
            {
                await ProcessTree.EndAsync(key.ToString(), _processes, TimeSpan.Zero, services.Time, CancellationToken.None).ConfigureAwait(false);
            }

            foreach (var rank in ranks)
            {
                await rank.Log.DisposeAsync().ConfigureAwait(false);
                rank.Dispose();
            }
        }
    }

    // Starts all, and waits. The first rank that failed; null when all ended well, or none did and the run was interrupted or used too much.
    private async Task<RankProcess?> WaitAsync(IReadOnlyList<LaunchPlan> plans, List<RankProcess> ranks, LimitWatch watch, CancellationToken cancellationToken)
    {
        var starts = new RankStarts(services, key, plans, directory, rank => Note(rank, ranks));
        var running = new List<RankProcess>();
        var begun = false;
        var interrupted = Task.Delay(Timeout.InfiniteTimeSpan, services.Time, cancellationToken);
        var look = watch.WaitAsync(cancellationToken);
        while (starts.IsOpen || running.Count > 0)
        {
            running.AddRange(starts.StartDue());
            if (!begun && running.Count > 0)
            {
                begun = true;
                Logs.Started(_logger, key, plans.Count);
                await AddEventAsync(new NodeOutcome(JobEventKind.Started)).ConfigureAwait(false);
            }

            await Task.WhenAny([.. running.Select(static rank => rank.Exited), .. starts.Waiting, interrupted, look]).ConfigureAwait(false);
            foreach (var rank in running.Where(static rank => rank.Exited.IsCompleted).ToList())
            {
                running.Remove(rank);
                if (await rank.Exited.ConfigureAwait(false) == 0 || cancellationToken.IsCancellationRequested)
                {
                    continue;
                }

                if (!await starts.TryAgainAsync(rank, OutputDeadline).ConfigureAwait(false))
                {
                    return rank;
                }

                ranks.Remove(rank);
            }

            if (interrupted.IsCompleted)
            {
                return null;
            }

            if (look.IsCompleted)
            {
                // Remembers children before they leave their parents.
                _exceeded = await watch.LookAsync(_ranks, key.ToString(), _processes).ConfigureAwait(false);
                if (_exceeded is not null)
                {
                    return null;
                }

                look = watch.WaitAsync(cancellationToken);
            }
        }

        return null;
    }

    private void Note(RankProcess rank, List<RankProcess> ranks)
    {
        ranks.Add(rank);
        _processes.Add((rank.Entry.Id, rank.Entry.StartTime));
        _ranks = [.. ranks.Select(static rank => rank.Entry)];
        directory.WriteProcesses(_ranks);
    }

    private static string CreateFolder(string path)
        => Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;

    private static Dictionary<string, string> RunnerEnvironment()
    {
        var environment = new Dictionary<string, string>();
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return environment;
    }
}
