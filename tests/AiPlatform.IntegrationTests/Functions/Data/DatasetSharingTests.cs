using System.Net;
using System.Net.Http.Headers;
using AiPlatform.Client;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.IntegrationTests.Functions.Compute.Jobs;
using AiPlatform.IntegrationTests.Servers;
using CsCheck;

namespace AiPlatform.IntegrationTests.Functions.Data;

/// <summary>Versions that share contents, and chunks of large files.</summary>
[Collection(DataCollection.Name)]
public sealed class DatasetSharingTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const int LargeSize = 16 << 20;

    [Fact]
    public async Task A_changed_large_file_stores_its_changed_chunks_only_and_reads_as_one_file()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "large");
        var content = DatasetWorld.RandomBytes(LargeSize, 1);
        world.Write("big.bin", content);
        world.Write("small.txt", "small"u8.ToArray());
        var first = await world.UploadAsync("large");
        Assert.Equal((LargeSize + 5, 0L), (first.StoredSize, first.SavedSize));

        // One change, one insertion: what is behind them is recognised all the same.
        byte[] changed = [.. content[..3_000_000], .. "a few new bytes"u8, .. content[3_000_000..10_000_000], .. DatasetWorld.RandomBytes(100_000, 2), .. content[10_100_000..]];
        world.Write("big.bin", changed);
        var second = await world.UploadAsync("large", new UploadSettings { Parent = 1, Description = "edited" });
        Assert.InRange(second.StoredSize, 100_000, 5_000_000);
        Assert.Equal((changed.Length + 5L - second.StoredSize, 1), (second.SavedSize, second.Parent));
        Assert.Equal(first.StoredSize + second.StoredSize, await world.StoredBytesAsync());

        var files = (await world.Api.ListDatasetFilesAsync(world.ProjectId, "large", 2, null, null, null, CancellationToken.None)).Items;
        var big = files.Single(file => file.Path == "big.bin");
        Assert.Null(files.Single(file => file.Path == "small.txt").Parts);
        using var anonymous = new HttpClient();
        Assert.Equal(changed, await anonymous.GetByteArrayAsync(big.Url));
        Assert.Equal(changed, await ReadPartsAsync(anonymous, big));
        Assert.Equal(changed, await world.ReadAsync("large", 2, "big.bin"));
        Assert.Equal(content, await world.ReadAsync("large", 1, "big.bin"));

        using var range = new HttpRequestMessage(HttpMethod.Get, big.Url) { Headers = { Range = new RangeHeaderValue(2_999_990, 3_000_030) } };
        using var answer = await anonymous.SendAsync(range);
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal(changed[2_999_990..3_000_031], await answer.Content.ReadAsByteArrayAsync());
        await anonymous.GetAsync(big.Url.Replace("/v1/dataset-contents/", "/v1/dataset-contents/x", StringComparison.Ordinal)).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task A_runner_stages_a_file_that_lies_in_several_blobs()
    {
        var job = await JobWorld.CreateAsync(functions);
        using var world = await DatasetWorld.CreateAsync(functions);
        var api = new AiPlatformClient(job.Client, new FixedTokenSource(job.User.AccessToken));
        using var storage = new HttpClient();
        await api.CreateDatasetAsync(job.Project.Id, new CreateDatasetRequest("data"), CancellationToken.None);
        var content = DatasetWorld.RandomBytes(6 << 20, 3);
        for (var version = 1; version <= 2; version++)
        {
            world.Write("big.bin", content);
            await new DatasetUploader(api, storage).UploadAsync(job.Project.Id, "data", LocalFile.From(world.Folder), new UploadSettings(), null, CancellationToken.None);
            content[1_000_000] ^= 1;
        }

        content[1_000_000] ^= 1;
        var submitted = await job.SubmitAsync(new Contracts.Jobs.SubmitJobRequest(Recipe: "image-classifier", Datasets: [new Contracts.Jobs.JobDataset("data")]));
        var runner = await job.RegisterAsync();
        await job.AdmitAsync(submitted);
        var file = Assert.Single(Assert.Single((await runner.ClaimAsync(submitted)).Datasets).Files);
        Assert.NotEmpty(file.Parts!);
        var target = Path.Combine(world.Folder, "staged");
        using var http = new global::AiPlatform.GpuRunner.Report.RunnerHttp(Microsoft.Extensions.Options.Options.Create(new global::AiPlatform.GpuRunner.RunnerOptions { ApiUrl = functions.App.Address.ToString() }));
        var downloader = new global::AiPlatform.GpuRunner.Workspace.BlobDownloader(http);
        await downloader.DownloadAsync(file.Parts!, target, file.Size, file.Sha256, CancellationToken.None);
        Assert.Equal(content, await File.ReadAllBytesAsync(target));
        await downloader.DownloadAsync(file.Url, target + "2", file.Size, file.Sha256, CancellationToken.None);
        Assert.Equal(content, await File.ReadAllBytesAsync(target + "2"));
    }

    [Fact]
    public async Task Chunks_of_another_project_must_be_brought_and_wrong_chunks_are_refused_with_nothing_left()
    {
        using var owner = await DatasetWorld.CreateAsync(functions, "mine");
        var content = DatasetWorld.RandomBytes(6 << 20, 4);
        owner.Write("big.bin", content);
        await owner.UploadAsync("mine");

        using var thief = await DatasetWorld.CreateAsync(functions, "theirs");
        content[0] ^= 1;
        thief.Write("big.bin", content);
        var manifest = await DatasetUploader.HashAsync(LocalFile.From(thief.Folder), null, CancellationToken.None);
        var draft = await thief.Api.CreateDatasetVersionAsync(thief.ProjectId, "theirs", new CreateDatasetVersionRequest(manifest), CancellationToken.None);
        Assert.Null(Assert.Single(draft.Uploads).Missing);
        await thief.User.Client.PostJsonAsync($"{thief.Root}/theirs/versions/1/commit", new { }).ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.ContentMismatch);

        // In the owner's project only the first chunk is missing: sent with other bytes, it is found out.
        var change = await owner.Api.CreateDatasetVersionAsync(owner.ProjectId, "mine", new CreateDatasetVersionRequest(manifest), CancellationToken.None);
        var upload = Assert.Single(change.Uploads);
        var missing = Assert.Single(upload.Missing!);
        Assert.True(ChunkList.TryParse(manifest[0].Chunks!, out var chunks));
        var client = new BlockClient(new HttpClient(), 1);
        await client.PutBlockAsync(upload.Url, missing.ToBlockId(), DatasetWorld.RandomBytes(chunks.Skip(missing.First).Take(missing.Count).Sum(chunk => chunk.Length), 5), CancellationToken.None);
        await client.CommitAsync(upload.Url, [missing.ToBlockId()], CancellationToken.None);
        var before = await owner.StoredBytesAsync();
        await owner.User.Client.PostJsonAsync($"{owner.Root}/mine/versions/2/commit", new { }).ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.ContentMismatch);
        Assert.True(await owner.StoredBytesAsync() < before, "The wrong upload is freed.");
        Assert.Equal(DatasetVersionStatus.Ready, (await owner.UploadAsync("mine", await AfterAsync(owner, content))).Status);
    }

    [Fact]
    public async Task Random_edit_sequences_read_back_as_written_and_store_each_content_once()
        => await Gen.Select(Gen.Int[0, 5], Gen.Int[0, 3], Gen.Bool).Array[3, 4].Array[2, 3].SampleAsync(AssertEditsAsync, iter: 4, threads: 1);

    private async Task AssertEditsAsync((int Path, int Content, bool Edited)[][] steps)
    {
        using var world = await DatasetWorld.CreateAsync(functions, "edited");
        var contents = Enumerable.Range(0, 3).Select(i => DatasetWorld.RandomBytes(1_000 + i, 10 + i)).Append(DatasetWorld.RandomBytes(5 << 20, 14)).ToArray();
        var state = new SortedDictionary<string, byte[]>(StringComparer.Ordinal) { ["keep"] = [1] };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var stored = 0L;
        foreach (var (number, edits) in steps.Index())
        {
            foreach (var (path, content, edited) in edits)
            {
                state[$"d{path % 2}/f{path}"] = edited ? [.. contents[content], (byte)number] : contents[content];
            }

            Directory.Delete(world.Folder, recursive: true);
            foreach (var (path, content) in state)
            {
                world.Write(path, content);
            }

            var version = await world.UploadAsync("edited");
            Assert.Equal(number + 1, version.Version);
            Assert.Equal(state.Values.Sum(content => (long)content.Length), version.TotalSize);
            Assert.Equal(version.TotalSize, version.StoredSize + version.SavedSize);
            stored += version.StoredSize;
            foreach (var (path, content) in state)
            {
                Assert.Equal(content, await world.ReadAsync("edited", version.Version, path));
                seen.Add(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(content)));
            }
        }

        Assert.Equal(stored, await world.StoredBytesAsync());
        var blobs = (await world.BlobsAsync()).Count;
        Assert.True(blobs <= seen.Count, $"{blobs} blobs hold {seen.Count} contents");
    }

    private static async Task<byte[]> ReadPartsAsync(HttpClient http, FileDownload file)
    {
        using var bytes = new MemoryStream();
        foreach (var part in file.Parts!)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, part.Url) { Headers = { Range = new RangeHeaderValue(part.Offset, part.Offset + part.Length - 1) } };
            using var response = await http.SendAsync(request);
            Assert.Equal(part.Length, response.Content.Headers.ContentLength);
            await response.Content.CopyToAsync(bytes);
        }

        return bytes.ToArray();
    }

    private static Task<UploadSettings> AfterAsync(DatasetWorld world, byte[] content)
    {
        world.Write("big.bin", content);
        return Task.FromResult(new UploadSettings());
    }
}
