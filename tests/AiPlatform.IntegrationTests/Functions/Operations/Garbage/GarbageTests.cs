using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Garbage;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Functions.MLflow;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Operations.Garbage;

[Collection(TrackingCollection.Name)]
public sealed class GarbageTests(FunctionsFixture functions, AzuriteFixture azurite) : IClassFixture<FunctionsFixture>
{
    private const string Proxy = "/api/2.0/mlflow-artifacts/artifacts/";

    [Fact]
    public async Task Replaced_and_deleted_files_are_freed_and_what_a_model_version_needs_stays()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var mlflow = new MLflowClient(user.Client, $"/p/{project.Name}/api/2.0/mlflow/");
        var run = await mlflow.RunAsync();
        await PutAsync(user.Client, run, "note.txt", "first");
        await PutAsync(user.Client, run, "note.txt", "second");
        await PutAsync(user.Client, run, "model.onnx", "weights");
        await user.Client.PostAsync<RegisteredModel>($"/v1/projects/{project.Id}/models", new CreateModelRequest("net"));
        await user.Client.PostAsync<ModelVersion>($"/v1/projects/{project.Id}/models/net/versions", new CreateModelVersionRequest(run, "model.onnx"));
        Assert.Equal(3, await BlobsAsync(run));

        // Not before their time of grace.
        Assert.Equal(0, (await CollectAsync(new CollectGarbageRequest())).BlobsFreed);
        Assert.Equal(3, await BlobsAsync(run));
        var report = await CollectAsync(new CollectGarbageRequest(Now: true));
        Assert.Equal((1, 5), (report.BlobsFreed, report.BytesFreed));
        Assert.Equal("second", await user.Client.GetStringAsync($"{Proxy}0/{run}/artifacts/note.txt"));

        Assert.Equal(HttpStatusCode.OK, (await user.Client.DeleteAsync($"{Proxy}0/{run}/artifacts/note.txt")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await user.Client.DeleteAsync($"{Proxy}0/{run}/artifacts/model.onnx")).StatusCode);
        report = await CollectAsync(new CollectGarbageRequest(Now: true));
        Assert.Equal((1, 6, 1), (report.BlobsFreed, report.BytesFreed, report.BlobsKept));
        Assert.Equal(1, await BlobsAsync(run));

        // The version is the last one that refers to its bytes.
        await mlflow.PostAsync("model-versions/delete", new { name = "net", version = "1" }, "DELETE");
        report = await CollectAsync(new CollectGarbageRequest(OlderThanSeconds: 0, Now: true));
        Assert.Equal((1, 7, 1), (report.BlobsFreed, report.BytesFreed, report.Released["modelVersions"]));
        Assert.Equal(0, await BlobsAsync(run));
    }

    [Fact]
    public async Task A_run_that_was_deleted_for_longer_than_the_retention_is_gone_for_good()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        await mlflow.PostAsync("runs/log-batch", new { run_id = run, metrics = new[] { new { key = "loss", value = 1.5, timestamp = 1, step = 1 } }, @params = new[] { new { key = "p", value = "1" } } });
        await PutAsync(user.Client, run, "data.bin", "0123456789");
        var kept = await mlflow.RunAsync();
        await PutAsync(user.Client, kept, "data.bin", "0123456789");
        await mlflow.PostAsync("runs/delete", new { run_id = run });
        await mlflow.PostAsync("runs/restore", new { run_id = run });
        await mlflow.PostAsync("runs/delete", new { run_id = run });
        await CollectAsync(new CollectGarbageRequest(OlderThanSeconds: 3_600, Now: true));
        Assert.Equal(1, await BlobsAsync(run));

        var report = await CollectAsync(new CollectGarbageRequest(OlderThanSeconds: 0, Now: true));
        Assert.Equal((1, 1, 10), (report.Released["runs"], report.BlobsFreed, report.BytesFreed));
        Assert.Equal((0, 1), (await BlobsAsync(run), await BlobsAsync(kept)));
        await using var connection = new NpgsqlConnection(functions.Postgres);
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>(
            """
            SELECT (SELECT count(*) FROM metric_log WHERE run_id = @run) + (SELECT count(*) FROM metric_chunks WHERE run_id = @run) + (SELECT count(*) FROM metric_summaries WHERE run_id = @run)
                 + (SELECT count(*) FROM run_params WHERE run_id = @run) + (SELECT count(*) FROM artifacts WHERE run_id = @run)
            """,
            new { run }));
        await mlflow.ErrorAsync("runs/restore", new { run_id = run }, HttpStatusCode.NotFound, "RESOURCE_DOES_NOT_EXIST");
        await user.Client.PostJsonAsync($"/v1/runs/{run}/restore", null).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.DoesNotContain(run, (await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { "0" }, run_view_type = "ALL" })).ToJsonString(), StringComparison.Ordinal);
        await mlflow.GetAsync($"runs/get?run_id={kept}");

        var listed = await (await functions.AdministratorAsync()).Client.GetAsync<Page<GarbageReport>>("/v1/garbage/reports?pageSize=1");
        Assert.Equal(report.Id, listed.Items.Single().Id);
        Assert.NotNull(listed.Items[0].EndedAt);
        await user.Client.GetAsync("/v1/garbage").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task A_deleted_project_takes_everything_in_it_along()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var mlflow = new MLflowClient(user.Client, $"/p/{project.Name}/api/2.0/mlflow/");
        var run = await mlflow.RunAsync();
        await PutAsync(user.Client, run, "a", "1");
        var model = (string)(await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net" }))["model"]!["info"]!["model_id"]!;
        using (var put = await user.Client.PutAsync($"{Proxy}0/models/{model}/artifacts/b", new StringContent("22")))
        {
            Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        }

        Assert.Equal(HttpStatusCode.NoContent, (await user.Client.DeleteAsync($"/v1/projects/{project.Id}")).StatusCode);
        var report = await CollectAsync(new CollectGarbageRequest(OlderThanSeconds: 0, Now: true));
        Assert.Equal((1, 1, 1, 1), (report.Released["projects"], report.Released["experiments"], report.Released["runs"], report.Released["loggedModels"]));
        Assert.Equal((2, 3), (report.BlobsFreed, report.BytesFreed));
        await user.Client.PostJsonAsync($"/v1/projects/{project.Id}/restore", null).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task A_blob_that_cannot_be_deleted_is_reported_and_tried_again_and_one_in_use_again_is_kept()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        await PutAsync(user.Client, run, "locked", "x");
        await PutAsync(user.Client, run, "again", "y");
        var container = new BlobServiceClient(azurite.ConnectionString).GetBlobContainerClient(BlobStorage.Runs);
        var blob = await NamesAsync(container, $"{run}/artifacts/").FirstAsync(name => name.EndsWith("/locked", StringComparison.Ordinal));
        var lease = container.GetBlobClient(blob).GetBlobLeaseClient();
        await lease.AcquireAsync(TimeSpan.FromSeconds(-1));
        Assert.Equal(HttpStatusCode.OK, (await user.Client.DeleteAsync($"{Proxy}0/{run}/artifacts/locked")).StatusCode);
        await using (var connection = new NpgsqlConnection(functions.Postgres))
        {
            // As if its last reference had gone long ago, just before somebody stored the same bytes again.
            await connection.ExecuteAsync(
                "INSERT INTO garbage_blobs (container, name, due_at) SELECT 'runs', @run || '/artifacts/' || encode(sha256, 'hex') || '/' || path, now() FROM artifacts WHERE run_id = @run", new { run });
        }

        var report = await CollectAsync(new CollectGarbageRequest(Now: true));
        Assert.Equal((0, 1, 1), (report.BlobsFreed, report.Failures, report.BlobsKept));
        var status = await (await functions.AdministratorAsync()).Client.GetAsync<GarbageStatus>("/v1/garbage");
        Assert.Equal((1, report.Id), (status.BlobsFailing, status.Last!.Id));
        await lease.ReleaseAsync();
        Assert.Equal(1, (await CollectAsync(new CollectGarbageRequest(Now: true))).BlobsFreed);
        Assert.Equal("y", await user.Client.GetStringAsync($"{Proxy}0/{run}/artifacts/again"));
        Assert.Equal(0, (await (await functions.AdministratorAsync()).Client.GetAsync<GarbageStatus>("/v1/garbage")).BlobsFailing);
    }

    [Fact]
    public async Task An_upload_that_nobody_committed_is_freed_after_its_time_and_storing_a_blob_again_keeps_it()
    {
        var user = await functions.CreateUserAsync();
        var run = await new MLflowClient(user.Client).RunAsync();
        var bytes = "abandoned"u8.ToArray();
        var sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        var upload = await user.Client.PostAsync<ArtifactUpload>($"/v1/runs/{run}/artifacts/uploads", new ArtifactUploadRequest("f", bytes.Length, sha256));
        using (var plain = new HttpClient())
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, upload.Url) { Content = new ByteArrayContent(bytes) };
            request.Headers.Add("x-ms-blob-type", "BlockBlob");
            Assert.Equal(HttpStatusCode.Created, (await plain.SendAsync(request)).StatusCode);
        }

        Assert.Equal(1, await BlobsAsync(run, "uploads"));
        var report = await CollectAsync(new CollectGarbageRequest(Now: true));
        Assert.Equal((1, 9), (report.BlobsFreed, report.BytesFreed));

        await PutAsync(user.Client, run, "g", "same");
        Assert.Equal(HttpStatusCode.OK, (await user.Client.DeleteAsync($"{Proxy}0/{run}/artifacts/g")).StatusCode);
        await PutAsync(user.Client, run, "g", "same");
        await CollectAsync(new CollectGarbageRequest(Now: true));
        Assert.Equal("same", await user.Client.GetStringAsync($"{Proxy}0/{run}/artifacts/g"));
        var storage = functions.App.Services.GetRequiredService<BlobStorage>();
        Assert.False(await storage.DeleteAsync(BlobStorage.Runs, $"{run}/nothing", CancellationToken.None));
    }

    private async Task<GarbageReport> CollectAsync(CollectGarbageRequest request)
        => await (await functions.AdministratorAsync()).Client.PostAsync<GarbageReport>("/v1/garbage/collect", request);

    private static async Task PutAsync(HttpClient client, string run, string path, string content)
    {
        using var response = await client.PutAsync($"{Proxy}0/{run}/artifacts/{path}", new StringContent(content));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<int> BlobsAsync(string run, string folder = "artifacts")
        => await NamesAsync(new BlobServiceClient(azurite.ConnectionString).GetBlobContainerClient(BlobStorage.Runs), $"{run}/{folder}/").CountAsync();

    private static async IAsyncEnumerable<string> NamesAsync(BlobContainerClient container, string prefix)
    {
        await foreach (var blob in container.GetBlobsAsync(Azure.Storage.Blobs.Models.BlobTraits.None, Azure.Storage.Blobs.Models.BlobStates.None, prefix, CancellationToken.None))
        {
            yield return blob.Name;
        }
    }
}
