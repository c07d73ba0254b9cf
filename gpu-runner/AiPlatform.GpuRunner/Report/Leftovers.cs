using System.Diagnostics;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Workspace;
using AiPlatform.Hosting.Telemetry;

namespace AiPlatform.GpuRunner.Report;

/// <summary>What an earlier life of this runner left: processes are ended at once, spools are sent in the background.</summary>
internal sealed class Leftovers(
    NodeServices services, ActiveNodes active, NodeJournalFactory journals, ILogger<Leftovers> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    private readonly List<NodeDirectory> _directories = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _sending = Task.CompletedTask;

    /// <summary>Ends the orphans before anything new can start, then begins to send.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var directory in NodeDirectory.List(services.Identity.DataDirectory))
        {
            var known = directory.ReadProcesses().Select(static entry => (entry.Id, entry.StartTime)).ToHashSet();
            var node = Path.GetFileName(directory.Path);
            var live = ProcessTree.Find(node, known, inherited: true);
            if (live.Count > 0)
            {
                await ProcessTree.EndAsync(node, known, TimeSpan.Zero, services.Time, cancellationToken, inherited: true).ConfigureAwait(false);
                Logs.OrphansEnded(logger, live.Count);
            }

            if (directory.ReadState() is { } state)
            {
                Logs.Remaining(logger, directory.DeleteWorkspace());
                Logs.Remaining(logger, JobFolder.TryDelete(state.SocketDirectory));
                Logs.Remaining(logger, JobFolder.TryDelete(state.SharedMemoryDirectory));
                _directories.Add(directory);
            }
            else
            {
                Logs.BrokenFolder(logger, directory.Path);
                Logs.Remaining(logger, directory.Delete());
            }
        }

        _sending = Task.WhenAll(_directories.Select(directory => SendAsync(directory, _stop.Token)));
    }

    /// <inheritdoc />
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _sending.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public void Dispose() => _stop.Dispose();

    private async Task SendAsync(NodeDirectory directory, CancellationToken cancellationToken)
    {
        var state = directory.ReadState()!;
        var gone = false;
        using var span = state.Traceparent is { } traceparent ? Traces.Start("job.leftovers", ActivityKind.Internal, traceparent) : null;
        var journal = journals.Open(directory, state, directory.ReadToken() ?? "");
        await using (journal.ConfigureAwait(false))
        {
            Logs.LeftoverFound(logger, state.Key);
            active.AddLeftover(state.Key, journal.Token);
            var began = services.Time.GetTimestamp();
            try
            {
                await journal.StartAsync(cancellationToken).ConfigureAwait(false);
                while (!gone)
                {
                    if (journal.IsUploaded && journal.Pending == 0)
                    {
                        Logs.LeftoverSent(logger, state.Key);
                        gone = true;
                    }
                    else if (services.Time.GetElapsedTime(began) > services.Options.LeftoverRetention)
                    {
                        Logs.LeftoverDropped(logger, state.Key, services.Options.LeftoverRetention);
                        gone = true;
                    }
                    else
                    {
                        await Task.Delay(LookInterval, services.Time, cancellationToken).ConfigureAwait(false);
                    }
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // The next life goes on.
            }
            finally
            {
                active.RemoveLeftover(state.Key);
            }
        }

        if (gone)
        {
            Logs.Remaining(logger, directory.Delete());
        }
    }
}
