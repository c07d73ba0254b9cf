using System.Net;
using AiPlatform.Client;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Data.Datasets;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Tracking;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace AiPlatform.IntegrationTests.Functions.Data;

/// <summary>Uploads over a storage that fails, and uploads that are interrupted.</summary>
[Collection(DataCollection.Name)]
public sealed class DatasetUploadTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const int Size = 40 << 20;

    [Fact]
    public async Task Requests_that_fail_are_sent_again()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "flaky");
        world.Write("large.bin", DatasetWorld.RandomBytes(Size, 1));
        world.Write("small.txt", "small"u8.ToArray());
        using var handler = new Storage((_, attempt) => attempt switch
        {
            1 => new HttpResponseMessage(HttpStatusCode.ServiceUnavailable),
            2 => throw new HttpRequestException("broken"),
            _ => null,
        });
        using var storage = new HttpClient(handler);
        var version = await world.UploadAsync("flaky", storage: storage);
        Assert.Equal(Size + 5, version.StoredSize);
        Assert.All(handler.Blocks.Values, attempts => Assert.Equal(3, attempts));
    }

    [Fact]
    public async Task An_interrupted_upload_goes_on_with_its_draft_and_sends_what_is_missing_only()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "resumed");
        world.Write("large.bin", DatasetWorld.RandomBytes(Size, 2));
        using var interruption = new CancellationTokenSource();
        var sent = 0;
        using (var handler = new Storage((_, _) => Interlocked.Increment(ref sent) == 3 ? throw Cancel(interruption) : (HttpResponseMessage?)null))
        using (var storage = new HttpClient(handler))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => world.UploadAsync("resumed", new UploadSettings { Parallelism = 1 }, storage, interruption.Token));
        }

        using var second = new Storage((_, _) => null);
        using var again = new HttpClient(second);
        var version = await world.UploadAsync("resumed", storage: again);
        Assert.Equal((1, Size), (version.Version, version.StoredSize));
        var blocks = await BlocksOfAsync(world);
        Assert.Equal(blocks - 2, second.Blocks.Count);
        Assert.DoesNotContain(await world.BlobsAsync(), blob => blob.Name.Contains("/uploads/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_storage_that_refuses_ends_the_upload_and_deleting_the_draft_frees_its_blocks()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "refused");
        var content = DatasetWorld.RandomBytes(Size, 3);
        world.Write("large.bin", content);
        var sent = 0;
        using var handler = new Storage((_, _) => Interlocked.Increment(ref sent) == 3 ? new HttpResponseMessage(HttpStatusCode.Forbidden) : null);
        using var storage = new HttpClient(handler);
        var refused = await Assert.ThrowsAsync<StorageException>(() => world.UploadAsync("refused", new UploadSettings { Parallelism = 1 }, storage));
        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        var draft = Assert.Single((await world.Api.ListDatasetVersionsAsync(world.ProjectId, "refused", null, null, CancellationToken.None)).Items);
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content));
        var upload = new BlockBlobClient(functions.Settings["ConnectionStrings:Blob"], BlobStorage.Datasets, ContentAddress.Upload(world.ProjectId, draft.Id, hash));
        Assert.NotEmpty((await upload.GetBlockListAsync(BlockListTypes.Uncommitted)).Value.UncommittedBlocks);
        await world.Api.DeleteDatasetVersionAsync(world.ProjectId, "refused", draft.Version, force: false, CancellationToken.None);
        var gone = await Assert.ThrowsAsync<Azure.RequestFailedException>(() => upload.GetBlockListAsync(BlockListTypes.Uncommitted));
        Assert.Equal(404, gone.Status);
    }

    [Fact]
    public async Task A_commit_of_many_files_is_done_in_slices_that_each_come_further()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "sliced");
        var settings = new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal) { ["Datasets:CommitSlice"] = "00:00:00", ["Datasets:VerifyConcurrency"] = "3" };
        await using var instance = await FunctionsInstance.StartAsync(settings);
        using var http = instance.CreateClient(world.User.AccessToken);
        var files = Enumerable.Range(0, 10).Select(i => Blobs.File($"f{i}", $"content {i}")).ToArray();
        var draft = await http.PostAsync<DatasetVersionDraft>($"{world.Root}/sliced/versions", new CreateDatasetVersionRequest(files));
        foreach (var upload in draft.Uploads)
        {
            await Blobs.UploadAsync(upload.Url, upload.Headers, $"content {upload.Path[1..]}");
        }

        var answers = new List<HttpStatusCode>();
        do
        {
            answers.Add((await http.PostJsonAsync($"{world.Root}/sliced/versions/1/commit", new { })).StatusCode);
        }
        while (answers[^1] == HttpStatusCode.Accepted);

        Assert.Equal([HttpStatusCode.Accepted, HttpStatusCode.Accepted, HttpStatusCode.Accepted, HttpStatusCode.OK], answers);
        Assert.Equal(files.Sum(file => file.Size), (await world.Api.GetDatasetVersionAsync(world.ProjectId, "sliced", 1, CancellationToken.None)).StoredSize);
    }

    [Fact]
    public async Task A_download_is_verified_goes_on_and_never_leaves_its_folder()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "fetched");
        var content = DatasetWorld.RandomBytes(6 << 20, 4);
        world.Write("sub/large.bin", content);
        world.Write("small.txt", "small"u8.ToArray());
        await world.UploadAsync("fetched");
        content[0] ^= 1;
        world.Write("sub/large.bin", content);
        await world.UploadAsync("fetched");
        using var storage = new HttpClient();
        var downloader = new DatasetDownloader(world.Api, storage);
        var target = Directory.CreateTempSubdirectory("aip-download-").FullName;
        try
        {
            Assert.Equal(2, await downloader.DownloadAsync(world.ProjectId, "fetched", 2, target, null, CancellationToken.None));
            await File.WriteAllTextAsync(Path.Combine(target, "small.txt"), "damaged");
            var written = File.GetLastWriteTimeUtc(Path.Combine(target, "sub/large.bin"));
            Assert.Equal(2, await downloader.DownloadAsync(world.ProjectId, "fetched", 2, target, null, CancellationToken.None));
            Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(target, "sub/large.bin")));
            Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(target, "sub/large.bin")));
            Assert.Equal("small", await File.ReadAllTextAsync(Path.Combine(target, "small.txt")));
        }
        finally
        {
            Directory.Delete(target, recursive: true);
        }
    }

    private static OperationCanceledException Cancel(CancellationTokenSource source)
    {
        source.Cancel();
        return new OperationCanceledException(source.Token);
    }

    // What a fresh upload of the same file would send.
    private static async Task<int> BlocksOfAsync(DatasetWorld world)
    {
        using var other = await DatasetWorld.CreateAsync(world.Functions, "counted");
        other.Write("large.bin", await File.ReadAllBytesAsync(Path.Combine(world.Folder, "large.bin")));
        using var handler = new Storage((_, _) => null);
        using var storage = new HttpClient(handler);
        await other.UploadAsync("counted", storage: storage);
        return handler.Blocks.Count;
    }

    /// <summary>Sees every block that is put, and answers instead of the storage where it is told to.</summary>
    private sealed class Storage(Func<string, int, HttpResponseMessage?> answer) : DelegatingHandler(new SocketsHttpHandler())
    {
        /// <summary>How often each block was sent.</summary>
        public Dictionary<string, int> Blocks { get; } = new(StringComparer.Ordinal);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method != HttpMethod.Put || !request.RequestUri!.Query.Contains("comp=block&", StringComparison.Ordinal))
            {
                return await base.SendAsync(request, cancellationToken);
            }

            int attempt;
            lock (Blocks)
            {
                attempt = Blocks[request.RequestUri.Query] = Blocks.GetValueOrDefault(request.RequestUri.Query) + 1;
            }

            return answer(request.RequestUri.Query, attempt) ?? await base.SendAsync(request, cancellationToken);
        }
    }
}
