using AiPlatform.Local.Processes;
using AiPlatform.Local.Servers;

namespace AiPlatform.Local.Watching;

/// <summary>
/// <c>dotnet watch</c> over a project and all that it is built from: after each change it publishes the project beside the running platform,
/// and says so by touching a file. A build that fails touches nothing; its errors are told.
/// </summary>
/// <param name="project">The project, relative to the checkout.</param>
/// <param name="logFile">Where its output goes.</param>
/// <param name="report">Gets the errors of a build, and a line when the watch ends by itself.</param>
internal sealed class SourceWatch(string project, string logFile, Action<string> report) : IAsyncDisposable
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

    // Directory.Build.props and .targets know this name.
    private const string Kind = "watch";

    private readonly BoundedLog _log = new(logFile, written: line => Tell(line, report));
    private ChildProcess? _process;
    private Task _ended = Task.CompletedTask;
    private DateTime _seen;

    /// <summary>Where the newest build is; only its own process changes it.</summary>
    public string Folder { get; } = Path.Combine(RepositoryFolders.Root, ".artifacts", "platform", Kind, Path.GetFileName(project));

    private string Stamp => Path.Combine(Folder, "..", $"{Path.GetFileName(project)}.published");

    /// <summary>Starts to watch; the first build follows at once.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder);
        File.Delete(Stamp);
        var command = new ChildCommand(
            ExecutableSearch.Find("dotnet") ?? throw new InvalidOperationException("dotnet is not in PATH."),
            [
                // In long form: the watch takes the short one of a property for its own option.
                "watch", "--no-hot-reload", "--project", project, "msbuild", "-target:Publish", "-property:Configuration=Release",
                "-property:RuntimeIdentifier=linux-x64", "-property:SelfContained=false", $"-property:PlatformPublish={Kind}",
                "-nodeReuse:false", "-verbosity:minimal", "-nologo",
            ])
        {
            WorkingDirectory = RepositoryFolders.Root,
            Environment = new Dictionary<string, string> { ["DOTNET_WATCH_SUPPRESS_EMOJIS"] = "1", ["DOTNET_CLI_UI_LANGUAGE"] = "en" },
        };
        _process = await ChildProcess.StartAsync(command, _log, cancellationToken).ConfigureAwait(false);
        _ended = ReportEndAsync(_process, cancellationToken);
    }

    /// <summary>Ends when a build has been published that was not seen before.</summary>
    public async Task NextAsync(CancellationToken cancellationToken)
    {
        for (; ; await Task.Delay(Glance, cancellationToken).ConfigureAwait(false))
        {
            // 1601 while there is none.
            var written = File.GetLastWriteTimeUtc(Stamp);
            if (written.Year > 1601 && written != _seen)
            {
                _seen = written;
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.StopAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(false);
            await _ended.ConfigureAwait(false);
            _process.Dispose();
        }

        _log.Dispose();
    }

    private async Task ReportEndAsync(ChildProcess process, CancellationToken stop)
    {
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        if (!stop.IsCancellationRequested)
        {
            report($"{Path.GetFileName(project)} is no longer watched (exit code {process.ExitCode}); see {_log.Path}");
        }
    }

    private static void Tell(string line, Action<string> report)
    {
        if (line.Contains(": error ", StringComparison.Ordinal))
        {
            report(line.Trim());
        }
    }
}
