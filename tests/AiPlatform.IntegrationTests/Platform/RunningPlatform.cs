using AiPlatform.Client;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Local.Platform;
using AiPlatform.Local.Quickstart;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>A whole platform of a test's own: every part a separate process, on free ports, in a folder with a space in its name.</summary>
internal sealed class RunningPlatform : IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly LoginTokenSource _tokens;

    private RunningPlatform(string folder, LocalPlatform platform, RecordingProgress progress)
    {
        Folder = folder;
        Platform = platform;
        Progress = progress;
        _http = new HttpClient { BaseAddress = new Uri(platform.Endpoints.Api) };
        _tokens = new LoginTokenSource(
            _http, platform.Endpoints.Administrator.UserName, platform.Endpoints.Administrator.Password, TimeProvider.System);
        Api = new AiPlatformClient(_http, _tokens, maxAttempts: 10);
    }

    public string Folder { get; }

    public LocalPlatform Platform { get; }

    public RecordingProgress Progress { get; }

    public AiPlatformClient Api { get; }

    /// <param name="telemetry">Where its processes send their traces; null: nowhere.</param>
    public static async Task<RunningPlatform> StartAsync(IReadOnlyDictionary<string, string>? telemetry = null)
    {
        var folder = Directory.CreateTempSubdirectory("aip platform ").FullName;
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        var progress = new RecordingProgress();
        try
        {
            var options = new LocalOptions(folder) { Telemetry = telemetry ?? new Dictionary<string, string>() };
            return new RunningPlatform(folder, await LocalPlatform.StartAsync(options, progress, CancellationToken.None), progress);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>A quickstart on this platform; what it says is recorded.</summary>
    public QuickstartDemo Quickstart(int epochs) => new(Platform.Endpoints, Path.Combine(Folder, "quickstart"), Progress.Report) { Epochs = epochs };

    /// <summary>Asserts that the job succeeded and that every point that its ranks measured is stored exactly once.</summary>
    public async Task AssertTrainedExactlyOnceAsync(string jobId, int epochs)
    {
        var job = await Api.GetJobAsync(jobId, CancellationToken.None);
        Assert.True(job.Status == JobStatus.Succeeded, $"{job.Status}: {job.Reason}\n{Progress}");

        var completeness = await Api.GetMetricsCompletenessAsync(job.RunId, CancellationToken.None);
        Assert.True(completeness.Complete, $"{string.Join('\n', completeness.Sources)}\n{Progress}");

        var losses = await StepsAsync(job.RunId, "loss");
        Assert.Equal(Enumerable.Range(1, losses.Count).Select(step => (long)step), losses);
        Assert.Equal(0, losses.Count % epochs);
        Assert.Equal(epochs, (await StepsAsync(job.RunId, "val_accuracy")).Distinct().Count());
    }

    public async ValueTask DisposeAsync()
    {
        await Platform.DisposeAsync();
        _tokens.Dispose();
        _http.Dispose();
        KeepLogs();
        Directory.Delete(Folder, recursive: true);
    }

    // What a failure leaves to look at; the next tests/run removes it.
    private void KeepLogs()
    {
        var kept = Directory.CreateDirectory(Path.Combine(RepositoryFolders.Root, ".artifacts", "tests", "platforms", Path.GetFileName(Folder))).FullName;
        foreach (var log in Directory.EnumerateFiles(Path.Combine(Folder, "logs")))
        {
            File.Copy(log, Path.Combine(kept, Path.GetFileName(log)), overwrite: true);
        }

        File.WriteAllText(Path.Combine(kept, "progress.log"), Progress.ToString());
    }

    private async Task<List<long>> StepsAsync(string run, string key)
    {
        var points = new List<MetricPoint>();
        string? token = null;
        do
        {
            var page = await Api.ListMetricPointsAsync(run, key, attempts: null, 500, token, CancellationToken.None);
            points.AddRange(page.Items);
            token = page.NextPageToken;
        }
        while (token is not null);

        return [.. points.Select(point => point.Step)];
    }
}
