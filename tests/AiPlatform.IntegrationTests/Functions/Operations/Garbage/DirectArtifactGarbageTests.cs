using System.Text.Json.Nodes;
using AiPlatform.Contracts.Garbage;
using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Functions.MLflow;
using AiPlatform.IntegrationTests.Servers;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;

namespace AiPlatform.IntegrationTests.Functions.Operations.Garbage;

/// <summary>What clients wrote below an artifact root themselves goes with their runs, and nothing else does.</summary>
[Collection(TrackingCollection.Name)]
public sealed class DirectArtifactGarbageTests(FunctionsFixture functions, PostgresFixture postgres, AzuriteFixture azurite) : IClassFixture<FunctionsFixture>, IDisposable
{
    private static readonly CollectGarbageRequest Now = new(OlderThanSeconds: 0, Now: true);
    private readonly string _root = Directory.CreateTempSubdirectory("aip-root-").FullName;
    private readonly string _outside = Directory.CreateTempSubdirectory("aip-outside-").FullName;

    public void Dispose()
    {
        Directory.Delete(_root, recursive: true);
        Directory.Delete(_outside, recursive: true);
    }

    [Fact]
    public async Task Files_of_a_purged_run_are_deleted_in_bounded_rounds_and_no_link_is_followed()
    {
        await using var app = await StartAsync($"file://{_root}");
        var (mlflow, administrator) = await ClientsAsync(app);
        var (run, folder) = await RunAsync(mlflow, "0");
        var (kept, keptFolder) = await RunAsync(mlflow, "0");
        foreach (var file in Enumerable.Range(0, 240).Select(static i => $"deep/{i % 3}/.hidden/{i}").Append("note"))
        {
            Write(folder, file, "12345");
        }

        Directory.CreateDirectory(Path.Combine(folder, "empty", "folder"));
        Write(keptFolder, "note", "1");
        Write(_outside, "precious/file", "1");
        Directory.CreateSymbolicLink(Path.Combine(folder, "deep", "folder-link"), Path.Combine(_outside, "precious"));
        File.CreateSymbolicLink(Path.Combine(folder, "deep", "file-link"), Path.Combine(_outside, "precious", "file"));
        File.CreateSymbolicLink(Path.Combine(folder, "broken-link"), Path.Combine(_outside, "nothing"));

        // Neither before the retention nor before the time of grace.
        await mlflow.PostAsync("runs/delete", new { run_id = run });
        Assert.Equal(0, (await CollectAsync(administrator, new CollectGarbageRequest(OlderThanSeconds: 3_600, Now: true))).FilesFreed);
        var report = await CollectAsync(administrator, new CollectGarbageRequest(OlderThanSeconds: 0));
        Assert.Equal((1, 0), (report.Released["runs"], report.FilesFreed));
        Assert.Equal((1, 0), await FoldersAsync(administrator));
        Assert.True(File.Exists(Path.Combine(folder, "note")));

        report = await CollectAsync(administrator, Now);
        Assert.InRange(report.FilesFreed, 1, 150);
        Assert.DoesNotContain("artifactFolders", report.Released.Keys);
        Assert.True(Directory.Exists(folder));
        var second = await CollectAsync(administrator, Now);
        Assert.Equal((244, 241 * 5, 1), (report.FilesFreed + second.FilesFreed, report.BytesFreed + second.BytesFreed, second.Released["artifactFolders"]));
        Assert.False(Directory.Exists(Path.GetDirectoryName(folder)));
        Assert.True(File.Exists(Path.Combine(_outside, "precious", "file")));
        Assert.True(File.Exists(Path.Combine(keptFolder, "note")));
        Assert.Equal((0, 0), await FoldersAsync(administrator));
        Assert.Single((await mlflow.GetAsync($"artifacts/list?run_id={kept}"))["files"]!.AsArray());
    }

    [Fact]
    public async Task Places_that_are_not_below_the_root_are_left_alone()
    {
        await using var app = await StartAsync($"file://{_root}");
        var (mlflow, administrator) = await ClientsAsync(app);
        string[] locations = [$"file://{_outside}", $"file://{_root}-sibling", "s3://bucket/x", $"file://{_root}/%2e%2e"];
        foreach (var (index, location) in locations.Index())
        {
            var experiment = (string)(await mlflow.PostAsync("experiments/create", new { name = $"e{index}", artifact_location = location }))["experiment_id"]!;
            var (run, _) = await RunAsync(mlflow, experiment);
            Write(_outside, $"{run}/artifacts/model", "1");
            await mlflow.PostAsync("runs/delete", new { run_id = run });
        }

        var report = await CollectAsync(administrator, Now);
        Assert.Equal((4, 0, 0), (report.Released["runs"], report.FilesFreed, report.Failures));
        Assert.Equal((0, 0), await FoldersAsync(administrator));
        Assert.Equal(4, Directory.GetFiles(_outside, "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public async Task A_folder_to_which_a_link_leads_is_reported_and_its_deletion_goes_on_after_a_restart()
    {
        var settings = await SettingsAsync($"file://{_root}");
        string folder, experiment;
        await using (var first = await FunctionsInstance.StartAsync(settings))
        {
            var (mlflow, administrator) = await ClientsAsync(first);
            (var run, folder) = await RunAsync(mlflow, "0");
            experiment = Path.GetDirectoryName(Path.GetDirectoryName(folder)!)!;
            Write(folder, "model/weights", "12345");
            Write(Path.GetDirectoryName(folder)!, "beside", "1");

            // Somebody puts a link where the experiment was: what it leads to is not the run's.
            Directory.Move(experiment, Path.Combine(_outside, "moved"));
            Directory.CreateSymbolicLink(experiment, Path.Combine(_outside, "moved"));
            await mlflow.PostAsync("runs/delete", new { run_id = run });
            var report = await CollectAsync(administrator, Now);
            Assert.Equal((1, 0, 1), (report.Released["runs"], report.FilesFreed, report.Failures));
            Assert.Equal((1, 1), await FoldersAsync(administrator));
            Assert.True(File.Exists(Path.Combine(folder, "model", "weights")));
        }

        Directory.Delete(experiment);
        Directory.Move(Path.Combine(_outside, "moved"), experiment);
        await using var second = await FunctionsInstance.StartAsync(settings);

        // A root that is away for a while is no deletion.
        Directory.Move(_root, _root + "-away");
        Assert.Equal((0, 1), await FreedAsync(second));
        Directory.Move(_root + "-away", _root);
        var after = await CollectAsync(await AdministratorAsync(second), Now);
        Assert.Equal((1, 5, 1), (after.FilesFreed, after.BytesFreed, after.Released["artifactFolders"]));
        Assert.False(Directory.Exists(folder));
        Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(folder)!, "beside")));
    }

    [Fact]
    public async Task Blobs_of_a_purged_run_are_deleted_and_a_failure_in_the_middle_is_made_good()
    {
        var container = new BlobServiceClient(azurite.ConnectionString).GetBlobContainerClient($"mlflow-{Guid.NewGuid():N}"[..30]);
        await container.CreateAsync();
        await using var app = await StartAsync($"wasbs://{container.Name}@devstoreaccount1.blob.core.windows.net/my root");
        var (mlflow, administrator) = await ClientsAsync(app);
        var (run, uri) = await RunAsync(mlflow, "0");
        var (_, keptUri) = await RunAsync(mlflow, "0");
        var (prefix, keptPrefix) = (Prefix(uri), Prefix(keptUri));
        foreach (var name in new[] { $"{prefix}/a", $"{prefix}/b/locked", $"{prefix}/c/d/e", $"{prefix}-sibling", $"{keptPrefix}/a" })
        {
            await container.UploadBlobAsync(name, new BinaryData("12345"));
        }

        var lease = container.GetBlobClient($"{prefix}/b/locked").GetBlobLeaseClient();
        await lease.AcquireAsync(TimeSpan.FromSeconds(-1));
        await mlflow.PostAsync("runs/delete", new { run_id = run });
        var report = await CollectAsync(administrator, Now);
        Assert.Equal((1, 5, 1), (report.FilesFreed, report.BytesFreed, report.Failures));
        Assert.Equal((1, 1), await FoldersAsync(administrator));
        await lease.ReleaseAsync();
        report = await CollectAsync(administrator, Now);
        Assert.Equal((2, 10, 0, 1), (report.FilesFreed, report.BytesFreed, report.Failures, report.Released["artifactFolders"]));
        Assert.Equal(0, report.BlobsFreed);
        var left = new List<string>();
        await foreach (var blob in container.GetBlobsAsync(Azure.Storage.Blobs.Models.BlobTraits.None, Azure.Storage.Blobs.Models.BlobStates.None, null, CancellationToken.None))
        {
            left.Add(blob.Name);
        }

        Assert.Equal(new[] { $"{prefix}-sibling", $"{keptPrefix}/a" }.Order(StringComparer.Ordinal), left.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_model_versions_came_from_stays_until_they_are_gone()
    {
        await using var app = await StartAsync($"file://{_root}");
        var (mlflow, administrator) = await ClientsAsync(app);
        var (run, folder) = await RunAsync(mlflow, "0");
        var (other, otherFolder) = await RunAsync(mlflow, "0");
        Write(folder, "model/weights", "12345");
        Write(otherFolder, "model/weights", "12345");
        await mlflow.PostAsync("registered-models/create", new { name = "net" });
        await mlflow.PostAsync("model-versions/create", new { name = "net", source = $"file://{folder}/model", run_id = run });
        await mlflow.PostAsync("model-versions/create", new { name = "net", source = $"runs:/{other}/model" });
        await mlflow.PostAsync("runs/delete", new { run_id = run });
        await mlflow.PostAsync("runs/delete", new { run_id = other });

        // The first version names its run, which stays whole; the second only names its source.
        var report = await CollectAsync(administrator, Now);
        Assert.Equal((1, 0, 1), (report.Released["runs"], report.FilesFreed, report.BlobsKept));
        Assert.True(File.Exists(Path.Combine(folder, "model", "weights")) && File.Exists(Path.Combine(otherFolder, "model", "weights")));
        await mlflow.PostAsync("model-versions/delete", new { name = "net", version = "1" }, "DELETE");
        await mlflow.PostAsync("model-versions/delete", new { name = "net", version = "2" }, "DELETE");
        report = await CollectAsync(administrator, Now);
        Assert.Equal((1, 2, 10, 2), (report.Released["runs"], report.FilesFreed, report.BytesFreed, report.Released["artifactFolders"]));
        Assert.False(Directory.Exists(folder) || Directory.Exists(otherFolder));
    }

    private static async Task<(long Files, long Failures)> FreedAsync(FunctionsInstance app)
    {
        var report = await CollectAsync(await AdministratorAsync(app), Now);
        return (report.FilesFreed, report.Failures);
    }

    private static void Write(string folder, string path, string text)
    {
        var file = Path.Combine(folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    private static async Task<(string Id, string Artifacts)> RunAsync(MLflowClient mlflow, string experiment)
    {
        JsonNode run = (await mlflow.PostAsync("runs/create", new { experiment_id = experiment }))["run"]!["info"]!;
        var uri = (string)run["artifact_uri"]!;
        return ((string)run["run_id"]!, uri.StartsWith("file://", StringComparison.Ordinal) ? uri["file://".Length..] : uri);
    }

    private static string Prefix(string uri) => uri.Split('/', 4)[3];

    private static Task<GarbageReport> CollectAsync(HttpClient administrator, CollectGarbageRequest request) => administrator.PostAsync<GarbageReport>("/v1/garbage/collect", request);

    private static async Task<(long Waiting, long Failing)> FoldersAsync(HttpClient administrator)
    {
        var status = await administrator.GetAsync<GarbageStatus>("/v1/garbage");
        return (status.FoldersWaiting, status.FoldersFailing);
    }

    private async Task<FunctionsInstance> StartAsync(string root) => await FunctionsInstance.StartAsync(await SettingsAsync(root));

    private async Task<Dictionary<string, string?>> SettingsAsync(string root) => new(functions.Settings, StringComparer.Ordinal)
    {
        ["ConnectionStrings:Postgres"] = await postgres.CreateMigratedAsync("garbage"),
        ["MLflow:ArtifactRoot"] = root,
        ["Garbage:MaxBlobsPerRound"] = "150",
    };

    private static async Task<(MLflowClient MLflow, HttpClient Administrator)> ClientsAsync(FunctionsInstance app)
    {
        using var anonymous = app.CreateClient();
        var tokens = await anonymous.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("writer", TestUser.Password));
        return (new MLflowClient(app.CreateClient(tokens.AccessToken)), await AdministratorAsync(app));
    }

    private static async Task<HttpClient> AdministratorAsync(FunctionsInstance app)
    {
        using var anonymous = app.CreateClient();
        var tokens = await anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(FunctionsFixture.AdministratorName, TestUser.Password));
        return app.CreateClient(tokens.AccessToken);
    }
}
