using System.Net;
using System.Text;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>Names and places of artifacts as clients write them.</summary>
[Collection(TrackingCollection.Name)]
public sealed class ArtifactNameTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Proxy = "/api/2.0/mlflow-artifacts/";

    [Theory]
    [InlineData("100%.png")]
    [InlineData("a%20b.txt")]
    [InlineData("%41/50% off.txt")]
    public async Task A_percent_sign_is_a_sign_like_others(string path)
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        var url = $"{Proxy}artifacts/0/{run}/artifacts/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}";
        using var put = await user.Client.PutAsync(url, new StringContent("content"));
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        Assert.Equal("content", await user.Client.GetStringAsync(url));
        var folder = path.Contains('/', StringComparison.Ordinal) ? path[..path.IndexOf('/', StringComparison.Ordinal)] : string.Empty;
        Assert.Equal(path, (string)Assert.Single((await mlflow.GetAsync($"artifacts/list?run_id={run}&path={Uri.EscapeDataString(folder)}"))["files"]!.AsArray())!["path"]!);
    }

    [Theory]
    [InlineData("/home/me/models/big.bin", "big.bin")]
    [InlineData("C:\\Users\\me\\big.bin", "big.bin")]
    [InlineData("../big.bin", "big.bin")]
    [InlineData("data", "data")]
    public async Task Of_the_local_path_of_an_upload_in_parts_only_the_base_name_counts(string local, string name)
    {
        var user = await functions.CreateUserAsync();
        var proxy = new MLflowClient(user.Client, Proxy);
        var run = await new MLflowClient(user.Client).RunAsync();
        var created = await proxy.PostAsync($"mpu/create/0/{run}/artifacts/data", new { path = local, num_parts = 1 });
        using var plain = new HttpClient();
        using var put = await plain.PutAsync((string)created["credentials"]![0]!["url"]!, new ByteArrayContent(Encoding.ASCII.GetBytes("whole")));
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        await proxy.PostAsync($"mpu/complete/0/{run}/artifacts/data", new { path = local, upload_id = (string)created["upload_id"]!, parts = new[] { new { part_number = 1, etag = "x" } } });
        Assert.Equal("whole", await user.Client.GetStringAsync($"{Proxy}artifacts/0/{run}/artifacts/data/{name}"));
    }

    [Fact]
    public async Task The_query_of_a_location_stays_at_the_end()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        var experiment = (string)(await mlflow.PostAsync("experiments/create", new { name = "q", artifact_location = "s3://bucket/a?region=eu&v=1" }))["experiment_id"]!;
        var run = (await mlflow.PostAsync("runs/create", new { experiment_id = experiment }))["run"]!["info"]!;
        var expected = $"s3://bucket/a/{run["run_id"]}/artifacts?region=eu&v=1";
        Assert.Equal(expected, (string)run["artifact_uri"]!);
        Assert.Single((await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { experiment }, filter = $"artifact_uri = '{expected}'" }))["runs"]!.AsArray());
        foreach (var location in new[] { "s3://b/a#f", "s3://b/a;p", "s3://b/a?x=../..", "s3://b/a?x=%252e%252e", "s3://b/../a" })
        {
            await mlflow.ErrorAsync("experiments/create", new { name = "refused", artifact_location = location }, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
        }
    }

    [Fact]
    public async Task Small_files_replace_each_other_and_leave_no_garbage_that_is_in_use()
    {
        var user = await functions.CreateUserAsync();
        var run = await new MLflowClient(user.Client).RunAsync();
        var url = $"{Proxy}artifacts/0/{run}/artifacts/a.bin";
        foreach (var size in new[] { 0, 1, 256 * 1024, 256 * 1024 + 1, 5_000_000, 3, 3 })
        {
            var content = new byte[size];
            new Random(size).NextBytes(content);
            using var put = await user.Client.PutAsync(url, new ByteArrayContent(content));
            Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
            Assert.Equal(content, await user.Client.GetByteArrayAsync(url));
        }

        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => user.Client.PutAsync(url, new StringContent($"writer {i}"))));
        Assert.StartsWith("writer ", await user.Client.GetStringAsync(url), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_of_MLflow_gets_and_puts_files_by_the_query()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        using var put = await user.Client.PostAsync($"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=model/a.txt", new StringContent("hello"));
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        Assert.Equal("hello", await user.Client.GetStringAsync($"/get-artifact?run_id={run}&path=model/a.txt"));
        await mlflow.PostAsync("registered-models/create", new { name = "m" });
        foreach (var source in new[] { $"mlflow-artifacts:/0/{run}/artifacts/model", $"mlflow-artifacts://host:1/0/{run}/artifacts/model/", $"runs:/{run}/model" })
        {
            var version = (string)(await mlflow.PostAsync("model-versions/create", new { name = "m", source, run_id = run }))["model_version"]!["version"]!;
            Assert.Equal("hello", await user.Client.GetStringAsync($"/model-versions/get-artifact?name=m&version={version}&path=a.txt"));
        }

        Assert.Equal(HttpStatusCode.BadRequest, (await user.Client.GetAsync($"/get-artifact?run_id={run}&path=../a")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await user.Client.GetAsync("/model-versions/get-artifact?name=m&version=1&path=../a")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await (await functions.CreateUserAsync()).Client.GetAsync($"/get-artifact?run_id={run}&path=model/a.txt")).StatusCode);
    }
}
