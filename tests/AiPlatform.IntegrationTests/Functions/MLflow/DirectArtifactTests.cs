using System.Net;
using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Artifacts;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>Artifacts that clients put into the storage themselves.</summary>
[Collection(TrackingCollection.Name)]
public sealed class DirectArtifactTests(FunctionsFixture functions, PostgresFixture postgres, AzuriteFixture azurite) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task What_is_put_to_a_presigned_url_becomes_an_artifact()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        var answer = await mlflow.PostAsync("artifacts/presigned-upload-url", new { run_id = run, path = "dir/a.txt", expiration = 600 });
        Assert.Empty((await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray());
        await PutAsync((string)answer["presigned_url"]!, answer["headers"]!.AsObject().Select(header => (header.Key, (string)header.Value!)), "first");
        Assert.Equal("dir", (string)Assert.Single((await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray())!["path"]!);

        // While the URL holds another file may be put to it; a tick finds it too.
        await PutAsync((string)answer["presigned_url"]!, [("x-ms-blob-type", "BlockBlob")], "second");
        await functions.App.Services.GetRequiredService<PresignedUploads>().RunAsync(CancellationToken.None);
        Assert.Equal("second", await user.Client.GetStringAsync($"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/dir/a.txt"));
        var download = await mlflow.PostAsync("artifacts/presigned-download-url", new { run_id = run, path = "dir/a.txt" });
        using var plain = new HttpClient();
        Assert.Equal(("second", 6), (await plain.GetStringAsync((string)download["presigned_url"]!), (int)download["file_size"]!));

        await mlflow.ErrorAsync("artifacts/presigned-upload-url", new { run_id = run, path = "a", expiration = 0 }, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
        await mlflow.ErrorAsync("artifacts/presigned-download-url", new { run_id = run, path = "missing" }, HttpStatusCode.NotFound, "RESOURCE_DOES_NOT_EXIST");
        await mlflow.PostAsync("runs/delete", new { run_id = run });
        await mlflow.ErrorAsync("artifacts/presigned-upload-url", new { run_id = run, path = "a" }, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
    }

    [Fact]
    public async Task Below_a_file_root_clients_write_themselves_and_the_server_lists()
    {
        var root = Directory.CreateTempSubdirectory("aip-artifacts-").FullName;
        try
        {
            await using var app = await StartAsync($"file://{root}");
            var mlflow = await ClientAsync(app);
            var run = (await mlflow.PostAsync("runs/create", new { experiment_id = "0" }))["run"]!["info"]!;
            var folder = new Uri((string)run["artifact_uri"]!).LocalPath;
            Assert.StartsWith(root + "/", folder, StringComparison.Ordinal);
            Directory.CreateDirectory(Path.Combine(folder, "model"));
            await File.WriteAllTextAsync(Path.Combine(folder, "model", "weights"), "12345");
            await File.WriteAllTextAsync(Path.Combine(folder, "note"), "1");
            File.CreateSymbolicLink(Path.Combine(folder, "outside"), "/etc");
            var listed = await mlflow.GetAsync($"artifacts/list?run_id={run["run_id"]}");
            Assert.Equal(["model:true", "note:false"], listed["files"]!.AsArray().Select(file => $"{file!["path"]}:{file["is_dir"]}"));
            Assert.Equal((string)run["artifact_uri"]!, (string)listed["root_uri"]!);
            var below = Assert.Single((await mlflow.GetAsync($"artifacts/list?run_id={run["run_id"]}&path=model"))["files"]!.AsArray())!;
            Assert.Equal(("model/weights", 5), ((string)below["path"]!, (int)below["file_size"]!));
            Assert.Empty((await mlflow.GetAsync($"artifacts/list?run_id={run["run_id"]}&path=nothing"))["files"]!.AsArray());
            await mlflow.ErrorAsync($"artifacts/list?run_id={run["run_id"]}&path=../..", null, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
            Assert.Single((await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { "0" }, filter = $"artifact_uri LIKE 'file://{root}/%'" }))["runs"]!.AsArray());

            // Somewhere else clients may write as well, but this server does not look there.
            var other = (string)(await mlflow.PostAsync("experiments/create", new { name = "s3", artifact_location = "s3://bucket/x" }))["experiment_id"]!;
            var elsewhere = (await mlflow.PostAsync("runs/create", new { experiment_id = other }))["run"]!["info"]!;
            Assert.Equal($"s3://bucket/x/{elsewhere["run_id"]}/artifacts", (string)elsewhere["artifact_uri"]!);
            await mlflow.ErrorAsync($"artifacts/list?run_id={elsewhere["run_id"]}", null, HttpStatusCode.NotImplemented, "NOT_IMPLEMENTED");
            var etc = (string)(await mlflow.PostAsync("experiments/create", new { name = "etc", artifact_location = "file:///etc" }))["experiment_id"]!;
            var stranger = (await mlflow.PostAsync("runs/create", new { experiment_id = etc }))["run"]!["info"]!;
            await mlflow.ErrorAsync($"artifacts/list?run_id={stranger["run_id"]}", null, HttpStatusCode.NotImplemented, "NOT_IMPLEMENTED");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public async Task Below_a_blob_root_the_server_lists_what_clients_wrote()
    {
        var container = new BlobServiceClient(azurite.ConnectionString).GetBlobContainerClient($"mlflow-{Guid.NewGuid():N}"[..30]);
        await container.CreateAsync();
        await using var app = await StartAsync($"wasbs://{container.Name}@devstoreaccount1.blob.core.windows.net/root");
        var mlflow = await ClientAsync(app);
        var experiment = (string)(await mlflow.PostAsync("experiments/create", new { name = "blob" }))["experiment_id"]!;
        var run = (string)(await mlflow.PostAsync("runs/create", new { experiment_id = experiment }))["run"]!["info"]!["run_id"]!;
        Assert.Equal($"wasbs://{container.Name}@devstoreaccount1.blob.core.windows.net/root/{experiment}", (string)(await mlflow.GetAsync($"experiments/get?experiment_id={experiment}"))["experiment"]!["artifact_location"]!);
        await container.UploadBlobAsync($"root/{experiment}/{run}/artifacts/a/b.txt", new BinaryData("123"));
        await container.UploadBlobAsync($"root/{experiment}/{run}/artifacts/c.txt", new BinaryData("1"));
        Assert.Equal(["a:true", "c.txt:false"], (await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray().Select(file => $"{file!["path"]}:{file["is_dir"]}"));
        var below = Assert.Single((await mlflow.GetAsync($"artifacts/list?run_id={run}&path=a"))["files"]!.AsArray())!;
        Assert.Equal(("a/b.txt", 3), ((string)below["path"]!, (int)below["file_size"]!));
    }

    [Theory]
    [InlineData("file:///a/../b")]
    [InlineData("file://relative")]
    [InlineData("file:///")]
    [InlineData("/plain")]
    [InlineData("wasbs://datasets@account.blob.core.windows.net/x")]
    [InlineData("s3://bucket")]
    public void A_root_that_the_server_cannot_read_is_refused_at_start(string root) => Assert.False(DirectArtifacts.IsRoot(root));

    [Fact]
    public async Task Models_of_2x_clients_are_listed_in_a_tag_of_their_run()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        var run = await mlflow.RunAsync();
        foreach (var path in new[] { "first", "second" })
        {
            await mlflow.PostAsync("runs/log-model", new { run_id = run, model_json = $$"""{"artifact_path":"{{path}}","flavors":{"python_function":{} },"utc_time_created":"2026-01-01","run_id":"{{run}}","signature":{"inputs":"long"} }""" });
        }

        var tags = (await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["data"]!["tags"]!.AsArray();
        var history = System.Text.Json.Nodes.JsonNode.Parse((string)tags.Single(tag => (string)tag!["key"]! == "mlflow.log-model.history")!["value"]!)!.AsArray();
        Assert.Equal(["first", "second"], history.Select(model => (string)model!["artifact_path"]!));
        Assert.Null(history[0]!["signature"]);
        var message = await mlflow.ErrorAsync("runs/log-model", new { run_id = run, model_json = "{" }, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
        Assert.Contains("is not a valid JSON", message, StringComparison.Ordinal);
        message = await mlflow.ErrorAsync("runs/log-model", new { run_id = run, model_json = """{"flavors":{},"run_id":"x"}""" }, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
        Assert.Equal("Model json is missing mandatory fields: ['artifact_path', 'utc_time_created']", message);
    }

    private async Task<FunctionsInstance> StartAsync(string root)
        => await FunctionsInstance.StartAsync(new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal)
        {
            ["ConnectionStrings:Postgres"] = await postgres.CreateMigratedAsync("direct"),
            ["MLflow:ArtifactRoot"] = root,
        });

    private static async Task<MLflowClient> ClientAsync(FunctionsInstance app)
    {
        using var anonymous = app.CreateClient();
        var tokens = await anonymous.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("direct", TestUser.Password));
        return new MLflowClient(app.CreateClient(tokens.AccessToken));
    }

    private static async Task PutAsync(string url, IEnumerable<(string Name, string Value)> headers, string content)
    {
        using var plain = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = new StringContent(content) };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await plain.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }
}
