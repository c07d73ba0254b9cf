using AiPlatform.Hosting;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>Tries again, now and then, to remove folders of jobs that resisted when their job ended.</summary>
internal sealed class Trash(string dataDirectory, TimeProvider time, ILogger<Trash> logger) : BackgroundLoop(time, logger)
{
    private readonly ILogger<Trash> _logger = logger;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(10);

    /// <summary>Where they are.</summary>
    public static string FolderOf(string dataDirectory) => Path.Combine(dataDirectory, "trash");

    /// <summary>Removes what can be removed by now; what still resists is left for the next time.</summary>
    /// <exception cref="IOException">The trash cannot be looked through.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void Sweep(CancellationToken cancellationToken = default)
    {
        var folder = FolderOf(dataDirectory);
        foreach (var path in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
        {
            cancellationToken.ThrowIfCancellationRequested();
            Logs.Remaining(_logger, JobFolder.TryDelete(path));
        }
    }

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        // Folders may be large: the start of the runner does not wait for them.
        await Task.Run(() => Sweep(cancellationToken), cancellationToken).ConfigureAwait(false);
        return false;
    }
}
