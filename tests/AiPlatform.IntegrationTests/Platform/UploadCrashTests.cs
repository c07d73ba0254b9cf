using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using AiPlatform.Client;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Projects;
using AiPlatform.Local.Processes;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Uploads that are interrupted by <c>kill -9</c> of the client, of the API and of the storage.</summary>
[Collection(PlatformCollection.Name)]
public sealed class UploadCrashTests
{
    private const string Project = "crash";
    private const string Dataset = "data";
    private const long Size = 200L << 20;

    [Fact]
    public async Task An_upload_goes_on_after_the_client_the_api_and_the_storage_were_killed()
    {
        await using var platform = await RunningPlatform.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(platform.Platform.Endpoints.Api) };
        var administrator = platform.Platform.Endpoints.Administrator;
        using var tokens = new LoginTokenSource(http, administrator.UserName, administrator.Password, TimeProvider.System);
        var api = new AiPlatformClient(http, tokens, maxAttempts: 20);
        await api.CreateProjectAsync(new CreateProjectRequest(Project), CancellationToken.None);
        await api.CreateDatasetAsync(Project, new CreateDatasetRequest(Dataset), CancellationToken.None);
        var folder = Directory.CreateDirectory(Path.Combine(platform.Folder, "upload")).FullName;
        var hash = await WriteAsync(Path.Combine(folder, "big.bin"));

        await KillClientAsync(platform, api, folder, (await tokens.GetTokenAsync(null, CancellationToken.None))!);

        // The same upload again, by this process; the API and the storage die under it.
        using var sent = new CountingHandler();
        using var storage = new HttpClient(sent);
        var killed = new HashSet<string>(StringComparer.Ordinal);
        var progress = new Reports(value =>
        {
            if (value.Stage == UploadStage.Sending && value.DoneBytes > value.TotalBytes / 2)
            {
                Kill(platform, killed, "blob");
                Kill(platform, killed, "functions");
            }
        });
        var version = await new DatasetUploader(api, storage).UploadAsync(
            Project, Dataset, LocalFile.From(folder), new UploadSettings { MaxAttempts = 30 }, progress, CancellationToken.None);
        Assert.Equal(["blob", "functions"], killed.Order(StringComparer.Ordinal));
        Assert.Equal((1, DatasetVersionStatus.Ready, Size, Size), (version.Version, version.Status, version.TotalSize, version.StoredSize));

        // What the killed client had sent was not sent again, whatever had to be repeated after the kills.
        Assert.True(sent.FirstBlocks < Size, $"{sent.FirstBlocks} bytes were sent as if nothing had been there");

        var target = Path.Combine(platform.Folder, "download");
        Assert.Equal(1, await new DatasetDownloader(api, storage).DownloadAsync(Project, Dataset, 1, target, null, CancellationToken.None));
        await using var read = File.OpenRead(Path.Combine(target, "big.bin"));
        Assert.Equal(hash, await SHA256.HashDataAsync(read));
    }

    private static void Kill(RunningPlatform platform, HashSet<string> killed, string victim)
    {
        lock (killed)
        {
            if (killed.Add(victim))
            {
                Assert.True(Signals.Send(platform.Platform.Endpoints.Processes[victim], Signals.Kill));
            }
        }
    }

    private static async Task KillClientAsync(RunningPlatform platform, AiPlatformClient api, string folder, string token)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "aip.dll"), "dataset", "upload", Dataset, folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            Environment = { ["AIP_URL"] = platform.Platform.Endpoints.Api, ["AIP_TOKEN"] = token, ["AIP_PROJECT"] = Project, ["AIP_CONFIG"] = Path.Combine(platform.Folder, "none.json") },
        };
        using var client = new Process { StartInfo = start };
        var output = new ConcurrentQueue<string>();
        var sending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // It says how far it is. At the first word of blocks that were sent most are still to come, so it dies right there.
        void Read(string? line)
        {
            output.Enqueue(line ?? string.Empty);
            if (line?.StartsWith("Sending: ", StringComparison.Ordinal) == true && line != "Sending: 0%" && sending.TrySetResult())
            {
                Signals.Send(client.Id, Signals.Kill);
            }
        }

        client.OutputDataReceived += (_, data) => Read(data.Data);
        client.ErrorDataReceived += (_, data) => Read(data.Data);
        Assert.True(client.Start());
        client.BeginOutputReadLine();
        client.BeginErrorReadLine();
        await client.WaitForExitAsync();
        Assert.True(sending.Task.IsCompleted, string.Join('\n', output));
        Assert.Equal(128 + Signals.Kill, client.ExitCode);

        // Drafting the same manifest finds the client's draft, and so the place that it uploaded to.
        var manifest = await DatasetUploader.HashAsync(LocalFile.From(folder), null, CancellationToken.None);
        var url = (await api.CreateDatasetVersionAsync(Project, Dataset, new CreateDatasetVersionRequest(manifest), CancellationToken.None)).Uploads[0].Url;
        using var http = new HttpClient();
        Assert.True((await new BlockClient(http, 1).ListAsync(url, CancellationToken.None)).Count > 0);
    }

    private static async Task<byte[]> WriteAsync(string file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var stream = File.Create(file);
        var random = new Random(1);
        var buffer = new byte[4 << 20];
        for (var written = 0L; written < Size; written += buffer.Length)
        {
            random.NextBytes(buffer);
            hash.AppendData(buffer);
            await stream.WriteAsync(buffer);
        }

        return hash.GetHashAndReset();
    }

    private sealed class Reports(Action<UploadProgress> report) : IProgress<UploadProgress>
    {
        public void Report(UploadProgress value) => report(value);
    }

    /// <summary>Counts the bytes of blocks, each once.</summary>
    private sealed class CountingHandler() : DelegatingHandler(new SocketsHttpHandler())
    {
        private readonly Dictionary<string, long> _blocks = new(StringComparer.Ordinal);

        public long FirstBlocks
        {
            get
            {
                lock (_blocks)
                {
                    return _blocks.Values.Sum();
                }
            }
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Put && request.RequestUri!.Query.Contains("comp=block&", StringComparison.Ordinal))
            {
                lock (_blocks)
                {
                    _blocks[request.RequestUri.Query] = request.Content!.Headers.ContentLength ?? 0;
                }
            }

            return base.SendAsync(request, cancellationToken);
        }
    }
}
