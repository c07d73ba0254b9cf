using System.Net;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Client;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using ApiException = AiPlatform.Client.ApiException;

namespace AiPlatform.IntegrationTests.Orchestrations;

/// <summary>Imports through the whole chain: API, outbox, hub, worker, storage.</summary>
[Collection(OrchestrationsCollection.Name)]
public sealed class DatasetImportTests(OrchestrationsFixture platform) : IClassFixture<OrchestrationsFixture>, IAsyncLifetime
{
    private readonly string _project = $"import-{Guid.NewGuid():N}"[..20];
    private string _projectId = string.Empty;
    private SourceServer _source = null!;

    private AiPlatformClient Api => platform.Api;

    public async Task InitializeAsync()
    {
        _source = await SourceServer.StartAsync();
        _projectId = (await Api.CreateProjectAsync(new CreateProjectRequest(_project), CancellationToken.None)).Id;
        await Api.CreateDatasetAsync(_project, new CreateDatasetRequest("data"), CancellationToken.None);
    }

    public async Task DisposeAsync() => await _source.DisposeAsync();

    [Fact]
    public async Task A_url_is_fetched_goes_on_by_range_after_a_break_and_becomes_a_version()
    {
        var content = RandomNumberGenerator.GetBytes(20 << 20);
        var url = _source.Add("big.bin", content);
        _source.Break(1);
        var hash = Convert.ToHexStringLower(SHA256.HashData(content));
        var import = await ImportAsync(new CreateDatasetImportRequest(new ImportUrl($"{url}?signature=secret", hash), Folder: "raw", Description: "fetched"));
        Assert.True(import.Status == DatasetImportStatus.Succeeded, import.ToString());
        Assert.Equal([0, 8 << 20], _source.Starts);
        Assert.DoesNotContain("secret", import.Source, StringComparison.Ordinal);
        Assert.Equal((1, content.LongLength), (import.Version, import.TotalBytes));
        Assert.Equal(content, await ReadAsync(1, "raw/big.bin"));
        Assert.Equal(content.Length, (await BlobsAsync()).Sum(blob => blob.Length));

        var made = await Api.GetDatasetVersionAsync(_project, "data", 1, CancellationToken.None);
        var graph = await Api.GetLineageAsync("datasetVersion", made.Id);
        Assert.Contains(graph.Upstream, edge => edge.Relation == "imported" && edge.Source.Kind == "externalDataset" && edge.Source.Name.Contains("big.bin", StringComparison.Ordinal));

        // The same file again adds nothing; neither does another way to it.
        var again = await ImportAsync(new CreateDatasetImportRequest(new ImportUrl(new Uri(_source.Address, "/redirect/big.bin").ToString(), FileName: "again.bin"), Parent: 1));
        Assert.True(again.Status == DatasetImportStatus.Succeeded, again.ToString());
        var version = await Api.GetDatasetVersionAsync(_project, "data", 2, CancellationToken.None);
        Assert.Equal((2, 0L, 2L * content.Length), (version.FileCount, version.StoredSize, version.SavedSize));
    }

    [Fact]
    public async Task What_cannot_be_fetched_ends_with_a_reason_and_nothing_is_stored()
    {
        var url = _source.Add("file", [1, 2, 3]);
        var wrong = new string('a', 64);
        var cases = new (CreateDatasetImportRequest Request, string Code)[]
        {
            (new(new ImportUrl(url, wrong)), DatasetImportErrors.ChecksumMismatch),
            (new(new ImportUrl(new Uri(_source.Address, "/files/none").ToString())), DatasetImportErrors.SourceStatus),
            (new(new ImportUrl(url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal))), DatasetImportErrors.SourceForbidden),
            (new(new ImportUrl(new Uri(_source.Address, "/inwards").ToString())), DatasetImportErrors.SourceForbidden),
            (new(new ImportUrl(_source.Add("large", new byte[65 << 20]))), DatasetImportErrors.TooLarge),
            (new(new ImportUrl(url), Expand: true), DatasetImportErrors.NotAnArchive),
            (new(Container: new ImportContainer(platform.LabUrl, Prefix: "nothing/")), DatasetImportErrors.SourceEmpty),
        };
        foreach (var (request, code) in cases)
        {
            var import = await ImportAsync(request);
            Assert.True((import.Status, import.Code) == (DatasetImportStatus.Failed, code), import.ToString());
            Assert.NotEqual(import.Code, import.Reason);
        }

        Assert.Empty((await Api.ListDatasetVersionsAsync(_project, "data", null, null, CancellationToken.None)).Items);
        Assert.Empty(await BlobsAsync());
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("tar")]
    [InlineData("tar.gz")]
    public async Task An_archive_is_expanded_from_a_url_and_from_a_version(string format)
    {
        var archive = ArchiveSamples.Good(format);
        var fetched = await ImportAsync(new CreateDatasetImportRequest(new ImportUrl(_source.Add("archive", archive)), Expand: true));
        Assert.True(fetched.Status == DatasetImportStatus.Succeeded, fetched.ToString());
        Assert.Equal(["a.txt", "folder/b.txt", "folder/empty"], await PathsAsync(1));
        Assert.Equal("beta", Encoding.UTF8.GetString(await ReadAsync(1, "folder/b.txt")));

        await UploadAsync("archive.bin", archive);
        var expanded = await ImportAsync(new CreateDatasetImportRequest(Archive: new ImportArchive("raw", 1, "archive.bin"), Folder: "in", Parent: 1, Remove: ["a.txt"]));
        Assert.True(expanded.Status == DatasetImportStatus.Succeeded, expanded.ToString());
        Assert.Equal(["folder/b.txt", "folder/empty", "in/a.txt", "in/folder/b.txt", "in/folder/empty"], await PathsAsync(2));
        var source = await Api.GetDatasetVersionAsync(_project, "raw", 1, CancellationToken.None);
        var graph = await Api.GetLineageAsync("datasetVersion", source.Id);
        Assert.Contains(graph.Downstream, edge => edge.Relation == "imported" && edge.Target.Name == "data@2");
        Assert.DoesNotContain(await BlobsAsync(), blob => blob.Name.Contains("/uploads/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("zip-parent", DatasetImportErrors.Refused)]
    [InlineData("zip-absolute", DatasetImportErrors.Refused)]
    [InlineData("zip-encoded", DatasetImportErrors.Refused)]
    [InlineData("zip-backslash", DatasetImportErrors.Refused)]
    [InlineData("zip-link", DatasetImportErrors.EntryNotAFile)]
    [InlineData("tar-parent", DatasetImportErrors.Refused)]
    [InlineData("tar-link", DatasetImportErrors.EntryNotAFile)]
    [InlineData("tar-hard-link", DatasetImportErrors.EntryNotAFile)]
    [InlineData("tar-device", DatasetImportErrors.EntryNotAFile)]
    [InlineData("zip-bomb", DatasetImportErrors.ArchiveBomb)]
    [InlineData("gzip-bomb", DatasetImportErrors.ArchiveBomb)]
    [InlineData("too-many", DatasetImportErrors.TooManyFiles)]
    [InlineData("truncated-zip", DatasetImportErrors.BrokenArchive)]
    [InlineData("truncated-gzip", DatasetImportErrors.BrokenArchive)]
    [InlineData("truncated-tar", DatasetImportErrors.BrokenArchive)]
    [InlineData("flipped-zip", DatasetImportErrors.BrokenArchive, "prices.csv")]
    [InlineData("encrypted-zip", DatasetImportErrors.EncryptedArchive, "secret.csv")]
    [InlineData("twice-zip", DatasetImportErrors.DuplicateEntry, "same.csv")]
    [InlineData("continued-zip", DatasetImportErrors.BrokenArchive)]
    [InlineData("cut-gzip-checksum", DatasetImportErrors.BrokenArchive)]
    [InlineData("continued-gzip", DatasetImportErrors.BrokenArchive)]
    [InlineData("flipped-tar", DatasetImportErrors.BrokenArchive, "folder/b.tx")]
    [InlineData("endless-tar", DatasetImportErrors.BrokenArchive)]
    [InlineData("continued-tar", DatasetImportErrors.BrokenArchive)]
    [InlineData("gzip-of-text", DatasetImportErrors.NotAnArchive)]
    [InlineData("text", DatasetImportErrors.NotAnArchive)]
    [InlineData("empty-zip", DatasetImportErrors.SourceEmpty)]
    public async Task A_bad_archive_is_refused_with_a_reason_and_nothing_of_it_is_stored(string kind, string code, string? entry = null)
    {
        var import = await ImportAsync(new CreateDatasetImportRequest(new ImportUrl(_source.Add(kind, ArchiveSamples.Bad(kind))), Expand: true));
        Assert.True((import.Status, import.Code) == (DatasetImportStatus.Failed, code), import.ToString());
        Assert.Contains(entry ?? string.Empty, import.Reason, StringComparison.Ordinal);
        Assert.Empty((await Api.ListDatasetVersionsAsync(_project, "data", null, null, CancellationToken.None)).Items);
        Assert.Empty(await BlobsAsync());
    }

    [Fact]
    public async Task A_container_is_imported_by_url_and_by_name_and_the_platforms_own_is_refused()
    {
        foreach (var (name, content) in new[] { ("set/a.txt", "alpha"), ("set/sub/b c.txt", "beta"), ("other.txt", "not wanted") })
        {
            await platform.Lab.UploadBlobAsync(name, BinaryData.FromString(content));
        }

        var byUrl = await ImportAsync(new CreateDatasetImportRequest(Container: new ImportContainer(platform.LabUrl, Prefix: "set/")));
        Assert.True(byUrl.Status == DatasetImportStatus.Succeeded, byUrl.ToString());
        Assert.Equal(["a.txt", "sub/b c.txt"], await PathsAsync(1));
        var byName = await ImportAsync(new CreateDatasetImportRequest(Container: new ImportContainer(Name: "lab"), Folder: "lab"));
        Assert.True(byName.Status == DatasetImportStatus.Succeeded, byName.ToString());
        Assert.Equal(["lab/other.txt", "lab/set/a.txt", "lab/set/sub/b c.txt"], await PathsAsync(2));
        Assert.Equal("beta", Encoding.UTF8.GetString(await ReadAsync(2, "lab/set/sub/b c.txt")));

        // Another project's files are in the platform's own container: naming it is refused before anything is done.
        var own = new BlobContainerClient(platform.BlobConnectionString, BlobStorage.Datasets).Uri;
        foreach (var request in new CreateDatasetImportRequest[]
        {
            new(Container: new ImportContainer(own.ToString(), Prefix: $"{_projectId}/")),
            new(new ImportUrl($"{own}/{_projectId}/sha256/ab/abc")),
            new(Container: new ImportContainer(Name: "unknown")),
            new(new ImportUrl("ftp://example.org/file")),
            new(new ImportUrl("https://user:password@example.org/file")),
            new(new ImportUrl("https://example.org/x", FileName: "../x")),
            new(new ImportUrl("https://example.org/x"), Folder: "/abs"),
            new(),
            new(new ImportUrl("https://example.org/x"), new ImportContainer(Name: "lab")),
        })
        {
            var refused = await Assert.ThrowsAsync<ApiException>(() => Api.ImportDatasetAsync(_project, "data", request, CancellationToken.None));
            Assert.Equal((HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest), (refused.Status, refused.Code));
        }
    }

    [Fact]
    public async Task An_import_is_a_task_that_can_be_cancelled_and_leaves_nothing()
    {
        var url = _source.Add("endless", RandomNumberGenerator.GetBytes(30 << 20));
        _source.Break(1_000);
        var submission = await Api.ImportDatasetAsync(_project, "data", new CreateDatasetImportRequest(new ImportUrl(url)), CancellationToken.None);
        var id = submission.Import.Id;
        Assert.EndsWith(id, submission.StatusQueryGetUri, StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => (await GetAsync(id)).DoneBytes > 0, "the import has begun");
        var cancelling = await Api.CancelDatasetImportAsync(_project, "data", id, CancellationToken.None);
        Assert.Equal(DatasetImportStatus.Cancelling, cancelling.Status);
        await Eventually.TrueAsync(async () => (await GetAsync(id)).Status == DatasetImportStatus.Cancelled, "the import is cancelled", TimeSpan.FromSeconds(60));
        Assert.Empty(await BlobsAsync());
        Assert.Equal(DatasetImportStatus.Cancelled, (await Api.CancelDatasetImportAsync(_project, "data", id, CancellationToken.None)).Status);
    }

    private async Task<DatasetImport> ImportAsync(CreateDatasetImportRequest request)
    {
        var submission = await Api.ImportDatasetAsync(_project, "data", request, CancellationToken.None);
        var import = submission.Import;
        await Eventually.TrueAsync(
            async () => (import = await GetAsync(import.Id)).EndedAt is not null, $"the import of {submission.Import.Source} ends", TimeSpan.FromSeconds(60));
        return import;
    }

    private Task<DatasetImport> GetAsync(string id) => Api.GetDatasetImportAsync(_project, "data", id, CancellationToken.None);

    private async Task UploadAsync(string name, byte[] content)
    {
        var folder = Directory.CreateTempSubdirectory("aip-import-").FullName;
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, name), content);
            await Api.CreateDatasetAsync(_project, new CreateDatasetRequest("raw"), CancellationToken.None);
            await Api.UploadDatasetVersionAsync(_project, "raw", folder, null, CancellationToken.None);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<List<string>> PathsAsync(int version)
        => [.. (await Api.ListDatasetFilesAsync(_project, "data", version, null, null, null, CancellationToken.None)).Items.Select(file => file.Path)];

    private async Task<byte[]> ReadAsync(int version, string path)
    {
        await using var stream = await Api.OpenDatasetFileAsync(_project, "data", version, path, CancellationToken.None);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    private async Task<List<(string Name, long Length)>> BlobsAsync()
    {
        var container = new BlobContainerClient(platform.BlobConnectionString, BlobStorage.Datasets);
        var blobs = new List<(string, long)>();
        await foreach (var blob in container.GetBlobsAsync(BlobTraits.None, BlobStates.Uncommitted, $"{_projectId}/", CancellationToken.None))
        {
            blobs.Add((blob.Name, blob.Properties.ContentLength ?? 0));
        }

        return blobs;
    }
}
