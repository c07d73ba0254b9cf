using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Jobs;
using AiPlatform.IntegrationTests.Functions.Compute.Jobs;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Data;

/// <summary>What happens to datasets and versions after their upload: tags, differences, archives, deletion, collection.</summary>
[Collection(DataCollection.Name)]
public sealed class DatasetLifeTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task Tags_and_descriptions_change_under_entity_tags()
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        var tags = new Dictionary<string, string>(StringComparer.Ordinal) { ["source"] = "lab" };
        var created = await world.User.Client.PostJsonAsync(world.Root, new CreateDatasetRequest("tagged", "before", tags));
        Assert.Equal("lab", (await created.ReadAsync<Dataset>()).Tags!["source"]);
        var etag = created.Headers.ETag!.Tag;
        var changed = await world.User.Client.SendJsonAsync(HttpMethod.Patch, $"{world.Root}/tagged", new UpdateDatasetRequest("renamed", "after"), ("If-Match", etag));
        var dataset = await changed.ReadAsync<Dataset>();
        Assert.Equal(("renamed", "after", "lab"), (dataset.Name, dataset.Description, dataset.Tags!["source"]));
        await world.User.Client.SendJsonAsync(HttpMethod.Patch, $"{world.Root}/renamed", new UpdateDatasetRequest(Description: "late"), ("If-Match", etag))
            .ProblemAsync(HttpStatusCode.PreconditionFailed, ErrorCodes.PreconditionFailed);
        await world.User.Client.PostAsync<Dataset>(world.Root, new CreateDatasetRequest("taken"));
        await world.User.Client.SendJsonAsync(HttpMethod.Patch, $"{world.Root}/renamed", new UpdateDatasetRequest("Taken")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        await world.User.Client.SendJsonAsync(HttpMethod.Patch, $"{world.Root}/nothing", new UpdateDatasetRequest("x")).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);

        world.Write("a", [1]);
        var version = await world.UploadAsync("renamed", new UploadSettings { Description = "one", Tags = tags });
        Assert.Equal(("one", "lab"), (version.Description, version.Tags!["source"]));
        var shown = await world.User.Client.GetAsync($"{world.Root}/renamed/versions/1");
        var versionTag = shown.Headers.ETag!.Tag;
        var none = new UpdateDatasetVersionRequest("two", new Dictionary<string, string>(StringComparer.Ordinal));
        var updated = await (await world.User.Client.SendJsonAsync(HttpMethod.Patch, $"{world.Root}/renamed/versions/1", none, ("If-Match", versionTag))).ReadAsync<DatasetVersion>();
        Assert.Equal(("two", null), (updated.Description, updated.Tags));
        await world.User.Client.SendJsonAsync(HttpMethod.Patch, $"{world.Root}/renamed/versions/1", none, ("If-Match", versionTag))
            .ProblemAsync(HttpStatusCode.PreconditionFailed, ErrorCodes.PreconditionFailed);
        await world.User.Client.SendJsonAsync(
            HttpMethod.Patch, $"{world.Root}/renamed/versions/1", new UpdateDatasetVersionRequest(Tags: new Dictionary<string, string>(StringComparer.Ordinal) { ["k"] = new string('v', 1_001) }))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task A_version_on_top_of_a_parent_needs_only_what_is_new_and_the_difference_names_it()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "layers");
        world.Write("keep.txt", [1]);
        world.Write("change.txt", [2]);
        world.Write("old/gone.txt", [3]);
        world.Write("old/moved.txt", [4, 4]);
        await world.UploadAsync("layers");
        Directory.Delete(world.Folder, recursive: true);
        world.Write("change.txt", [5, 5, 5]);
        world.Write("new/moved.txt", [4, 4]);
        world.Write("new/added.txt", [6]);
        var version = await world.UploadAsync("layers", new UploadSettings { Parent = 1, Remove = ["old/"] });
        Assert.Equal((4, 4L, 3L), (version.FileCount, version.StoredSize, version.SavedSize));

        var diff = await world.Api.DiffDatasetVersionAsync(world.ProjectId, "layers", 2, null, 2, null, CancellationToken.None);
        Assert.Equal(new DatasetDiffSummary(1, 1, 1, 1, 1, 4, 2), diff.Summary);
        var rest = await world.Api.DiffDatasetVersionAsync(world.ProjectId, "layers", 2, 1, 10, diff.NextPageToken, CancellationToken.None);
        Assert.Equal(
            ["Changed change.txt ", "Added new/added.txt ", "Renamed new/moved.txt old/moved.txt", "Removed old/gone.txt "],
            diff.Items.Concat(rest.Items).Select(change => $"{change.Kind} {change.Path} {change.OldPath}"));
        Assert.Equal((1, 2), (rest.From, rest.To));
        await world.User.Client.GetAsync($"{world.Root}/layers/versions/1/diff").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await world.User.Client.PostJsonAsync($"{world.Root}/layers/versions", new CreateDatasetVersionRequest([], Parent: 9)).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await world.User.Client.PostJsonAsync($"{world.Root}/layers/versions", new CreateDatasetVersionRequest([Blobs.File("a", "a")], Remove: ["x"]))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("tar")]
    public async Task A_version_is_streamed_as_one_archive(string format)
    {
        using var world = await DatasetWorld.CreateAsync(functions, "packed");
        world.Write("folder/text 文件.txt", "hello"u8.ToArray());
        world.Write("folder/empty", []);
        world.Write("large.bin", DatasetWorld.RandomBytes(5 << 20, 7));
        await world.UploadAsync("packed");
        var content = await ReadArchiveAsync(world, format, null);
        Assert.Equal(["folder/empty", "folder/text 文件.txt", "large.bin"], content.Keys);
        Assert.Equal("hello"u8.ToArray(), content["folder/text 文件.txt"]);
        Assert.Equal(DatasetWorld.RandomBytes(5 << 20, 7), content["large.bin"]);
        Assert.Equal(["folder/empty", "folder/text 文件.txt"], (await ReadArchiveAsync(world, format, "folder/")).Keys);
        await world.User.Client.GetAsync($"{world.Root}/packed/versions/1/archive?format=rar").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task What_a_job_uses_is_not_deleted_unless_an_administrator_insists()
    {
        var job = await JobWorld.CreateAsync(functions);
        await job.UploadDatasetAsync("used", ("a.txt", "aaa"));
        var root = $"/v1/projects/{job.Project.Id}/datasets/used";
        var submitted = await job.SubmitAsync(new SubmitJobRequest(Name: "the-user", Recipe: "image-classifier", Datasets: [new JobDataset("used")]));
        foreach (var path in new[] { root, $"{root}/versions/1" })
        {
            var problem = await job.Client.DeleteAsync(path).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.InUse);
            Assert.Contains("job the-user", problem.Detail, StringComparison.Ordinal);
            Assert.Contains("run the-user", problem.Detail, StringComparison.Ordinal);
            await job.Client.DeleteAsync($"{path}?force=true").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        }

        var administrator = await functions.AdministratorAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await administrator.Client.DeleteAsync($"{root}/versions/1?force=true")).StatusCode);
        await job.Client.GetAsync($"{root}/versions/1").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await job.Client.PostJsonAsync(job.Jobs, new SubmitJobRequest(Recipe: "image-classifier", Datasets: [new JobDataset("used")])).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);

        // The job that was accepted before still gets its files.
        var runner = await job.RegisterAsync();
        await job.AdmitAsync(submitted);
        Assert.Equal("aaa", await Blobs.ReadAsync((await runner.ClaimAsync(submitted)).Datasets[0].Files[0].Url));
        Assert.Null((await (await job.Client.PostJsonAsync($"{root}/versions/1/restore", new { })).ReadAsync<DatasetVersion>()).DeletedAt);
    }

    [Fact]
    public async Task The_collector_frees_what_no_version_uses_and_nothing_else()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "first", "second");
        var large = DatasetWorld.RandomBytes(6 << 20, 8);
        world.Write("large.bin", large);
        world.Write("shared.txt", "shared"u8.ToArray());
        await world.UploadAsync("first");
        await world.UploadAsync("second");
        large[3_000_000] ^= 1;
        world.Write("large.bin", large);
        world.Write("own.txt", "own"u8.ToArray());
        var newer = await world.UploadAsync("first");
        var all = await world.StoredBytesAsync();

        // The newer version is made of a part of its own and of parts of the older one, which therefore stays.
        await world.Api.DeleteDatasetVersionAsync(world.ProjectId, "first", 1, force: false, CancellationToken.None);
        await world.Api.DeleteDatasetAsync(world.ProjectId, "second", force: false, CancellationToken.None);
        await world.CollectAsync();
        Assert.Equal(all, await world.StoredBytesAsync());
        Assert.Equal(large, await world.ReadAsync("first", 2, "large.bin"));
        await world.User.Client.PostJsonAsync($"{world.Root}/first/versions/1/restore", new { }).ProblemAsync(HttpStatusCode.Gone, ErrorCodes.ContentFreed);

        await world.Api.DeleteDatasetVersionAsync(world.ProjectId, "first", 2, force: false, CancellationToken.None);
        await world.CollectAsync();
        Assert.Empty(await world.BlobsAsync());

        // What was freed is uploaded anew.
        Assert.Equal(newer.TotalSize, (await world.UploadAsync("first")).StoredSize);
        Assert.Equal(large, await world.ReadAsync("first", 3, "large.bin"));
    }

    [Fact]
    public async Task A_draft_that_was_promised_content_asks_again_when_the_collector_took_it()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "raced");
        var content = DatasetWorld.RandomBytes(6 << 20, 9);
        world.Write("large.bin", content);
        await world.UploadAsync("raced");
        content[100] ^= 1;
        world.Write("large.bin", content);
        var manifest = await DatasetUploader.HashAsync(LocalFile.From(world.Folder), null, CancellationToken.None);
        var draft = await world.Api.CreateDatasetVersionAsync(world.ProjectId, "raced", new CreateDatasetVersionRequest(manifest), CancellationToken.None);
        Assert.NotEmpty(draft.Uploads[0].Missing!);
        await world.Api.DeleteDatasetVersionAsync(world.ProjectId, "raced", 1, force: false, CancellationToken.None);
        await world.CollectAsync();

        // The uploader goes on with the draft; the server now asks for the whole file.
        var version = await world.UploadAsync("raced");
        Assert.Equal((2, content.LongLength), (version.Version, version.StoredSize));
        Assert.Equal(content, await world.ReadAsync("raced", 2, "large.bin"));
    }

    private static async Task<SortedDictionary<string, byte[]>> ReadArchiveAsync(DatasetWorld world, string format, string? prefix)
    {
        await using var stream = await world.Api.OpenDatasetArchiveAsync(world.ProjectId, "packed", 1, format, prefix, CancellationToken.None);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        bytes.Position = 0;
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        if (format == "zip")
        {
            using var archive = new ZipArchive(bytes, ZipArchiveMode.Read);
            foreach (var entry in archive.Entries)
            {
                using var content = new MemoryStream();
                await using var source = await entry.OpenAsync();
                await source.CopyToAsync(content);
                files[entry.FullName] = content.ToArray();
            }

            return files;
        }

        await using var reader = new TarReader(bytes);
        while (await reader.GetNextEntryAsync() is { } entry)
        {
            using var content = new MemoryStream();
            await (entry.DataStream ?? Stream.Null).CopyToAsync(content);
            files[entry.Name] = content.ToArray();
        }

        return files;
    }
}
