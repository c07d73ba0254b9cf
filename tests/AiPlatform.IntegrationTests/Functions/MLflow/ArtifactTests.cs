using System.Net;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public abstract class ArtifactTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : ArtifactTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : ArtifactTests(functions), IClassFixture<HostedFunctionsFixture>;

    private const string Proxy = "/api/2.0/mlflow-artifacts/";

    [Fact]
    public async Task Files_go_through_the_proxy_and_are_listed_read_and_deleted()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        var big = RandomNumberGenerator.GetBytes(6 * 1024 * 1024);
        await PutAsync(user.Client, run, "model/weights.bin", new ByteArrayContent(big));
        await PutAsync(user.Client, run, "model/conf/a b.txt", new StringContent("text"));
        await PutAsync(user.Client, run, "note.txt", new StringContent("first"));
        await PutAsync(user.Client, run, "note.txt", new StringContent("second"));
        var root = (await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray();
        Assert.Equal(["model:True", "note.txt:False"], root.Select(file => $"{file!["path"]}:{(bool)file["is_dir"]!}"));
        Assert.Equal(6, (int)root[1]!["file_size"]!);
        var below = (await mlflow.GetAsync($"artifacts/list?run_id={run}&path=model"))["files"]!.AsArray();
        Assert.Equal(["model/conf", "model/weights.bin"], below.Select(file => (string)file!["path"]!));
        var listed = (await new MLflowClient(user.Client, Proxy).GetAsync($"artifacts?path=0/{run}/artifacts/model"))["files"]!.AsArray();
        Assert.Equal(["conf", "weights.bin"], listed.Select(file => (string)file!["path"]!));
        Assert.Equal(big, await user.Client.GetByteArrayAsync($"{Proxy}artifacts/0/{run}/artifacts/model/weights.bin"));
        Assert.Equal("second", await user.Client.GetStringAsync($"/ajax-api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/note.txt"));
        Assert.Equal(3, (await user.Client.GetAsync<Contracts.Page<Artifact>>($"/v1/runs/{run}/artifacts")).Items.Count);
        var presigned = (string)(await mlflow.PostAsync("artifacts/presigned-download-url", new { run_id = run, path = "note.txt" }))["presigned_url"]!;
        using (var plain = new HttpClient())
        {
            Assert.Equal("second", await plain.GetStringAsync(presigned));
            var proxied = await new MLflowClient(user.Client, Proxy).GetAsync($"presigned/0/{run}/artifacts/note.txt");
            Assert.Equal("second", await plain.GetStringAsync((string)proxied["url"]!));
            Assert.Equal((6, 0), ((int)proxied["file_size"]!, proxied["headers"]!.AsObject().Count));
        }

        Assert.Equal(HttpStatusCode.OK, (await user.Client.DeleteAsync($"{Proxy}artifacts/0/{run}/artifacts/model")).StatusCode);
        Assert.Single((await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray());
        Assert.Equal(HttpStatusCode.NotFound, (await user.Client.GetAsync($"{Proxy}artifacts/0/{run}/artifacts/model/weights.bin")).StatusCode);
        var stranger = await functions.CreateUserAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await stranger.Client.GetAsync($"{Proxy}artifacts/0/{run}/artifacts/note.txt")).StatusCode);
    }

    [Fact]
    public async Task The_page_reads_files_of_logged_models()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var model = (string)(await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net" }))["model"]!["info"]!["model_id"]!;
        using var put = await user.Client.PutAsync($"{Proxy}artifacts/0/models/{model}/artifacts/sub/MLmodel", new StringContent("flavors: {}"));
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        var page = $"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files";
        Assert.Equal("flavors: {}", await user.Client.GetStringAsync($"{page}?artifact_file_path=sub/MLmodel"));
        Assert.Equal(HttpStatusCode.BadRequest, (await user.Client.GetAsync(page)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await user.Client.GetAsync($"{page}?artifact_file_path=../x")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await (await functions.CreateUserAsync()).Client.GetAsync($"{page}?artifact_file_path=sub/MLmodel")).StatusCode);
    }

    [Theory]
    [InlineData("%2e%2e%2fx")]
    [InlineData("a%2F..%2Fb")]
    [InlineData("..%5cx")]
    [InlineData("a%00b")]
    [InlineData("%252e%252e/x")]
    public async Task A_path_that_leads_elsewhere_is_refused(string path)
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        using var response = await user.Client.PutAsync($"{Proxy}artifacts/0/{run}/artifacts/{path}", new StringContent("x"));
        Assert.True(response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound, $"{response.StatusCode}");
        Assert.Empty((await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray());
        await mlflow.ErrorAsync($"artifacts/list?run_id={run}&path=../x", null, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
        await mlflow.ErrorAsync($"artifacts/list?run_id={run}&path=a%252fb", null, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
    }

    [Theory]
    [InlineData("100%.png")]
    [InlineData("a:b")]
    [InlineData("dot.")]
    [InlineData("模型 权重.bin")]
    public async Task A_file_of_any_name_goes_through_the_proxy_and_keeps_it(string name)
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        await PutAsync(user.Client, run, $"sub/{Uri.EscapeDataString(name)}", new StringContent("x"));
        Assert.Equal($"sub/{name}", (string)(await mlflow.GetAsync($"artifacts/list?run_id={run}&path=sub"))["files"]!.AsArray().Single()!["path"]!);
        using var response = await user.Client.GetAsync($"{Proxy}artifacts/0/{run}/artifacts/sub/{Uri.EscapeDataString(name)}");
        Assert.Equal("x", await response.Content.ReadAsStringAsync());
        Assert.Equal(name, response.Content.Headers.ContentDisposition?.FileNameStar);
    }

    [Fact]
    public async Task Metrics_whose_keys_have_blanks_around_them_are_searched()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        await mlflow.PostAsync("runs/log-metric", new { run_id = run, key = " loss ", value = 2.0, timestamp = 1 });
        var found = await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { "0" }, filter = "metrics.` loss ` > 1", order_by = new[] { "metrics.` loss ` DESC" } });
        Assert.Equal(run, (string)found["runs"]!.AsArray().Single()!["info"]!["run_id"]!);
        var none = await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { "0" }, filter = "metrics.loss > 1" });
        Assert.Null(none["runs"]?.AsArray().SingleOrDefault());
    }

    [Fact]
    public async Task Parts_are_uploaded_straight_to_the_storage_and_become_one_file()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var proxy = new MLflowClient(user.Client, Proxy);
        var run = await mlflow.RunAsync();
        var created = await proxy.PostAsync($"mpu/create/0/{run}/artifacts/data", new { path = "big.bin", num_parts = 3 });
        var upload = (string)created["upload_id"]!;
        using var plain = new HttpClient();
        foreach (var credential in created["credentials"]!.AsArray())
        {
            using var put = await plain.PutAsync((string)credential!["url"]!, new ByteArrayContent(Encoding.ASCII.GetBytes($"part{credential["part_number"]};")));
            Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        }

        await proxy.ErrorAsync($"mpu/complete/0/{run}/artifacts/data", new { path = "big.bin", upload_id = upload, parts = new[] { new { part_number = 9, etag = "x" } } }, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
        await proxy.PostAsync($"mpu/complete/0/{run}/artifacts/data", new { path = "big.bin", upload_id = upload, parts = new[] { new { part_number = 1, etag = "a" }, new { part_number = 2, etag = "b" }, new { part_number = 3, etag = "c" } } });
        Assert.Equal("part1;part2;part3;", await user.Client.GetStringAsync($"{Proxy}artifacts/0/{run}/artifacts/data/big.bin"));
        var second = await proxy.PostAsync($"mpu/create/0/{run}/artifacts/other.bin", new { path = "other.bin", num_parts = 1 });
        await proxy.PostAsync($"mpu/abort/0/{run}/artifacts/other.bin", new { path = "other.bin", upload_id = (string)second["upload_id"]! });
        Assert.Single((await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray());
    }

    private static async Task PutAsync(HttpClient client, string run, string path, HttpContent content)
    {
        using var response = await client.PutAsync($"{Proxy}artifacts/0/{run}/artifacts/{path}", content);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }
}
