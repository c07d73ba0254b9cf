using AiPlatform.Local.Servers;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;

namespace AiPlatform.IntegrationTests.Servers;

public sealed class AzuriteServerTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"aip azurite {Guid.NewGuid():N}");
    private AzuriteServer _server = null!;

    public async Task InitializeAsync() => _server = await AzuriteServer.StartAsync(Path.Combine(_directory, "blob"), 0, CancellationToken.None);

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Acknowledged_changes_survive_a_kill()
    {
        var container = new BlobContainerClient(_server.ConnectionString, "things");
        await container.CreateAsync();
        var kept = container.GetBlobClient("kept");
        await kept.UploadAsync(BinaryData.FromString("first"));
        await kept.UploadAsync(BinaryData.FromString("second"), overwrite: true);
        await container.GetBlobClient("gone").UploadAsync(BinaryData.FromString("x"));
        await container.GetBlobClient("gone").DeleteAsync();
        var log = container.GetAppendBlobClient("log");
        await log.CreateAsync();
        foreach (var line in (string[])["one\n", "two\n", "three\n"])
        {
            await log.AppendBlockAsync(BinaryData.FromString(line).ToStream());
        }

        for (var round = 0; round < 2; round++)
        {
            await _server.KillAsync();
            await _server.RestartAsync(CancellationToken.None);

            Assert.Equal("second", (await kept.DownloadContentAsync()).Value.Content.ToString());
            Assert.Equal("one\ntwo\nthree\n", (await log.DownloadContentAsync()).Value.Content.ToString());
            Assert.Equal(["kept", "log"], container.GetBlobs().Select(blob => blob.Name));
        }
    }

    [Fact]
    public async Task A_clean_stop_leaves_no_journal_to_replay_and_keeps_everything()
    {
        var container = new BlobContainerClient(_server.ConnectionString, "things");
        await container.CreateAsync();
        await container.GetBlobClient("a").UploadAsync(BinaryData.FromString("text"));

        await _server.RestartAsync(CancellationToken.None);

        Assert.Equal("text", (await container.GetBlobClient("a").DownloadContentAsync()).Value.Content.ToString());
        Assert.All(
            Directory.GetFiles(_server.DataDirectory, "*.journal.*"),
            journal => Assert.Equal(0, new FileInfo(journal).Length));
    }
}
