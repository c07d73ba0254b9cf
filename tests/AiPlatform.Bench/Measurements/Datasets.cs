using System.Diagnostics;
using AiPlatform.Bench.Platform;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// A file of 1 GB goes to the storage as a new version, then once more with 1 % of it changed. Targets: over 100 MB/s, flat memory in
/// API and client, about 1 % stored for the second version.
/// </summary>
internal static class Datasets
{
    private const long Size = 1_000_000_000;
    private const string Dataset = "large";

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var project = $"bench-{Guid.NewGuid():N}"[..30];
        await platform.Api.CreateProjectAsync(new CreateProjectRequest(project), cancellationToken);
        await platform.Api.CreateDatasetAsync(project, new CreateDatasetRequest(Dataset), cancellationToken);
        var folder = Directory.CreateTempSubdirectory("aip-bench-data-").FullName;
        try
        {
            var file = Path.Combine(folder, "large.bin");
            await WriteAsync(file, cancellationToken);
            var first = await UploadAsync(platform, project, folder, cancellationToken);
            await ChangeAsync(file, cancellationToken);
            var second = await UploadAsync(platform, project, folder, cancellationToken);
            return new { bytes = Size, first, onePercentChangedInTenPlaces = second, targetMegabytesPerSecond = 100, targetStoredPercent = "about 1" };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<object> UploadAsync(PlatformProcess platform, string project, string folder, CancellationToken cancellationToken)
    {
        using var storage = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 16 }) { Timeout = Timeout.InfiniteTimeSpan };
        var api = platform.ProcessId("functions");
        GC.Collect();
        var (apiBefore, clientBefore) = (ProcFileSystem.Memory(api).Rss, ProcFileSystem.Memory(Environment.ProcessId).Rss);
        var stages = new Stages();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var peaks = WatchAsync(api, stop.Token);
        var clock = Stopwatch.StartNew();
        var version = await new DatasetUploader(platform.Api, storage).UploadAsync(project, Dataset, LocalFile.From(folder), new UploadSettings(), stages, cancellationToken);
        var seconds = clock.Elapsed.TotalSeconds;
        await stop.CancelAsync();
        var (apiPeak, clientPeak) = await peaks;
        return new
        {
            seconds = Math.Round(seconds, 2),
            megabytesPerSecondAltogether = Math.Round(Size / 1e6 / seconds, 1),
            secondsOfStages = stages.Seconds(),
            storedBytes = version.StoredSize,
            storedPercent = Math.Round(100.0 * version.StoredSize / version.TotalSize, 2),
            apiMegabytesBefore = apiBefore / 1_000_000,
            apiMegabytesPeak = apiPeak / 1_000_000,
            clientMegabytesBefore = clientBefore / 1_000_000,
            clientMegabytesPeak = clientPeak / 1_000_000,
        };
    }

    private static async Task<(long Api, long Client)> WatchAsync(int api, CancellationToken cancellationToken)
    {
        var (apiPeak, clientPeak) = (0L, 0L);
        while (!cancellationToken.IsCancellationRequested)
        {
            apiPeak = Math.Max(apiPeak, ProcFileSystem.Memory(api).Rss);
            clientPeak = Math.Max(clientPeak, ProcFileSystem.Memory(Environment.ProcessId).Rss);
            await Task.Delay(200, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return (apiPeak, clientPeak);
    }

    private static async Task WriteAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = File.Create(file);
        var random = new Random(1);
        var buffer = new byte[1_000_000];
        for (var written = 0L; written < Size; written += buffer.Length)
        {
            random.NextBytes(buffer);
            await stream.WriteAsync(buffer, cancellationToken);
        }
    }

    private static async Task ChangeAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Write);
        var random = new Random(2);
        var buffer = new byte[Size / 1_000];
        for (var place = 0; place < 10; place++)
        {
            random.NextBytes(buffer);
            stream.Position = (Size / 10 * place) + 12_345_678;
            await stream.WriteAsync(buffer, cancellationToken);
        }
    }

    private sealed class Stages : IProgress<UploadProgress>
    {
        private readonly Dictionary<UploadStage, long> _begins = [];

        public void Report(UploadProgress value)
        {
            lock (_begins)
            {
                _begins.TryAdd(value.Stage, Stopwatch.GetTimestamp());
            }
        }

        public Dictionary<string, double> Seconds()
        {
            var order = _begins.OrderBy(static begin => begin.Value).ToList();
            return order.Zip(order.Skip(1)).ToDictionary(
                static pair => pair.First.Key.ToString().ToLowerInvariant(), static pair => Math.Round(Stopwatch.GetElapsedTime(pair.First.Value, pair.Second.Value).TotalSeconds, 2));
        }
    }
}
