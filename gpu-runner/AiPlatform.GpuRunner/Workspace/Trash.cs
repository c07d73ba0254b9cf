namespace AiPlatform.GpuRunner.Workspace;

/// <summary>Tries again, now and then, to remove folders of jobs that resisted when their job ended.</summary>
internal sealed class Trash(string dataDirectory, TimeProvider time, ILogger<Trash> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    /// <summary>Where they are.</summary>
    public static string FolderOf(string dataDirectory) => Path.Combine(dataDirectory, "trash");

    /// <summary>Removes what can be removed by now.</summary>
    public void Sweep()
    {
        var folder = FolderOf(dataDirectory);
        try
        {
            foreach (var path in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
            {
                Logs.Remaining(logger, JobFolder.TryDelete(path));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Logs.Remaining(logger, exception.Message);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            await Task.Run(Sweep, stoppingToken).ConfigureAwait(false);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }
}
