using System.Diagnostics;
using AiPlatform.Local.Platform;
using AiPlatform.Local.Processes;
using AiPlatform.Local.Servers;

namespace AiPlatform.Local.Watching;

/// <summary>
/// The functions app that follows its sources: when a change has been built, the app that runs is stopped and the new one started, while the
/// rest of the platform goes on. One that does not build, or does not start, is told and waits for the next change.
/// </summary>
/// <param name="make">Makes the app from a folder; null is the one that the platform was built with.</param>
/// <param name="watch">Builds it.</param>
/// <param name="folder">Where the app runs from once it has changed: what is being built must not be what runs.</param>
/// <param name="report">Gets one line for each thing that happens.</param>
internal sealed class WatchedFunctions(Func<string?, FunctionsServer> make, SourceWatch watch, string folder, Action<string> report) : IPart
{
    private readonly CancellationTokenSource _stop = new();
    private FunctionsServer _app = make(null);
    private string _running = ServiceBinaries.Folder("AiPlatform.Functions");
    private Task _following = Task.CompletedTask;

    public string Name => _app.Name;

    public ProcessIdentity? Identity => _app.Identity;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _app.StartAsync(cancellationToken).ConfigureAwait(false);
        _following = FollowAsync(_stop.Token);
    }

    public async Task ReleaseAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
        await _app.ReleaseAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync().ConfigureAwait(false);
        await watch.DisposeAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        try
        {
            await watch.StartAsync(stop).ConfigureAwait(false);
            var next = watch.NextAsync(stop);
            while (true)
            {
                await next.ConfigureAwait(false);
                next = watch.NextAsync(stop);

                // A newer build does not wait for one that does not start.
                using var superseded = CancellationTokenSource.CreateLinkedTokenSource(stop);
                var replacing = ReplaceAsync(superseded.Token);
                if (await Task.WhenAny(replacing, next).ConfigureAwait(false) == next)
                {
                    await superseded.CancelAsync().ConfigureAwait(false);
                }

                await replacing.ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The platform stops.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            report($"{Name} is no longer watched: {exception.Message}");
        }
    }

    private async Task ReplaceAsync(CancellationToken superseded)
    {
        // The first build has nothing new when the platform was built from the same sources.
        if (!FolderCopy.Differs(watch.Folder, _running))
        {
            return;
        }

        var took = Stopwatch.StartNew();
        await _app.DisposeAsync().ConfigureAwait(false);
        FolderCopy.Mirror(watch.Folder, folder);
        _app = make(folder);
        _running = folder;
        try
        {
            await _app.StartAsync(superseded).ConfigureAwait(false);
            report($"{Name} runs with what has changed, after {took.Elapsed.TotalSeconds:0.0} s");
        }
        catch (InvalidOperationException exception)
        {
            report($"{Name} does not start as it is now: {exception.Message.Split('\n')[0]}");
        }
        catch (OperationCanceledException)
        {
            // A newer build is there, or the platform stops.
        }
    }
}
