using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Functions.MLflow;
using AiPlatform.IntegrationTests.Servers;
using Dapper;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Requests whose headers, paths, lengths and times are wrong: each is refused, and none of them breaks what is read later.</summary>
[Collection(ServersCollection.Name)]
public sealed class HostileRequestTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Theory]
    [InlineData("application/json; charset=bogus")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json; charset=iso-8859-1")]
    [InlineData("application/problem+json; charset=\"bogus\"")]
    public async Task JSON_that_says_that_it_is_not_UTF_8_is_refused(string contentType)
    {
        var user = await functions.CreateUserAsync();
        await SendAsync(user.Client, contentType).ProblemAsync(HttpStatusCode.UnsupportedMediaType, ErrorCodes.UnsupportedMediaType);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=UTF-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/json; charset=us-ascii")]
    public async Task JSON_that_says_that_it_is_UTF_8_is_read(string contentType)
    {
        var user = await functions.CreateUserAsync();
        await (await SendAsync(user.Client, contentType)).ReadAsync<Project>();
    }

    [Theory]
    [InlineData("YQBiOmMAZA==")]
    [InlineData("YTpjAGQ=")]
    [InlineData("/////zpj")]
    public async Task Basic_credentials_that_no_account_can_have_are_wrong_credentials(string parameter)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/projects");
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", parameter);
        var answer = await functions.Anonymous.SendAsync(request);
        Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, await answer.Content.ReadAsStringAsync());
        Assert.NotEmpty(answer.Headers.WwwAuthenticate);
    }

    [Theory]
    [InlineData("runs/log-batch", """{"run_id":"RUN","metrics":[{"key":"\ud800","value":1,"timestamp":1}]}""")]
    [InlineData("runs/log-batch", """{"run_id":"RUN","params":[{"key":"a","value":"\udc00"}]}""")]
    [InlineData("runs/log-batch", """{"run_id":"RUN","tags":[{"key":"\ud800x","value":"b"}]}""")]
    [InlineData("runs/log-batch", """{"run_id":"\ud800"}""")]
    [InlineData("runs/log-metric", """{"run_id":"RUN","key":"\ud800","value":1,"timestamp":1}""")]
    [InlineData("runs/log-metric", """{"run_id":"RUN","key":"k","value":"\ud800","timestamp":1}""")]
    [InlineData("runs/log-metric", """{"run_id":"RUN","key":"k","value":1,"timestamp":"\ud800"}""")]
    [InlineData("runs/log-metric", """{"run_id":"RUN","key":"k","value":1,"timestamp":1,"model_id":"\ud800"}""")]
    public async Task Half_of_a_surrogate_pair_is_refused_whatever_the_headers_say(string route, string body)
    {
        var user = await functions.CreateUserAsync();
        var run = await new MLflowClient(user.Client).RunAsync();
        foreach (var (type, encoding) in new[] { ("application/json", "identity"), ("application/json", "gzip"), ("application/x-protobuf", null), ("text/plain", "x"), (null, (string?)null) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/2.0/mlflow/{route}") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.Replace("RUN", run, StringComparison.Ordinal))) };
            request.Content.Headers.ContentType = type is null ? null : new MediaTypeHeaderValue(type);
            if (encoding is not null)
            {
                request.Content.Headers.ContentEncoding.Add(encoding);
            }

            var answer = await user.Client.SendAsync(request);
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{type} {encoding}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        }
    }

    [Theory]
    [InlineData("/v1/projects", "FFFFFFFFFFFFFFFF")]
    [InlineData("/v1/projects", "zz")]
    [InlineData("/api/2.0/mlflow/experiments/create", "FFFFFFFFFFFFFFFF")]
    public async Task A_chunk_of_an_impossible_length_is_a_bad_request(string path, string length)
    {
        var user = await functions.CreateUserAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(functions.Address.Host, functions.Address.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: {functions.Address.Authority}\r\nAuthorization: Bearer {user.AccessToken}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{length}\r\n{{}}\r\n0\r\n\r\n"));
        using var reader = new StreamReader(stream);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var status = await reader.ReadLineAsync(deadline.Token);
        Assert.StartsWith("HTTP/1.1 400", status, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("1969-12-31T23:59:59.999Z")]
    [InlineData("9999-12-31T23:59:59.9999999Z")]
    public async Task A_point_of_a_time_that_cannot_be_is_refused(string timestamp)
    {
        var user = await functions.CreateUserAsync();
        var run = await RunAsync(user.Client);
        var problem = await user.Client.PostJsonAsync($"/v1/runs/{run}/metrics", $$"""{"attempt":1,"source":"s","firstSequence":0,"points":[{"key":"loss","step":1,"value":1,"timestamp":"{{timestamp}}"}]}""")
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Contains("points[0].timestamp", problem.Errors!.Keys);
    }

    [Fact]
    public async Task Runs_with_points_at_the_ends_of_time_are_read()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var experiment = await mlflow.ExperimentAsync(functions.Name("ends"));
        var run = await mlflow.RunAsync(experiment);
        await using var connection = new NpgsqlConnection(functions.Postgres);
        await mlflow.PostAsync("runs/log-batch", new { run_id = run, metrics = new[] { new { key = "first", value = 1, timestamp = 5 }, new { key = "last", value = 2, timestamp = 5 }, new { key = "now", value = 3, timestamp = 5 } } });
        await Eventually.TrueAsync(async () => await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM metric_summaries WHERE run_id = @run", new { run }) == 3, "the metrics have summaries");
        await connection.ExecuteAsync("UPDATE metric_summaries SET last_at = CASE key WHEN 'first' THEN '-infinity' WHEN 'last' THEN 'infinity' ELSE last_at END WHERE run_id = @run", new { run });
        var metrics = (await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["data"]!["metrics"]!.AsArray();
        Assert.Equal([("first", -62_135_596_800_000), ("last", 253_402_300_799_999), ("now", 5L)], metrics.Select(metric => ((string)metric!["key"]!, (long)metric["timestamp"]!)));
        Assert.Single((await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { experiment } }))["runs"]!.AsArray());
        Assert.Equal(3, (await user.Client.GetAsync<Run>($"/v1/runs/{run}")).Metrics.Count);
    }

    [Fact]
    public async Task Paths_below_a_project_are_decoded_once()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var mlflow = new MLflowClient(user.Client, $"/p/{project.Name}/api/2.0/mlflow/");
        var experiment = await mlflow.ExperimentAsync("percent");
        var run = await mlflow.RunAsync(experiment);
        var folder = $"/p/{project.Name}/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/";
        foreach (var (name, content) in new[] { ("50%2520off.txt", "escape"), ("50%20off.txt", "space") })
        {
            using var put = await user.Client.PutAsync(folder + name, new StringContent(content));
            Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        }

        Assert.Equal("escape", await user.Client.GetStringAsync(folder + "50%2520off.txt"));
        Assert.Equal("space", await user.Client.GetStringAsync(folder + "50%20off.txt"));
        Assert.Equal(2, (await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray().Count);
        Assert.Equal(HttpStatusCode.NotFound, (await user.Client.GetAsync($"/p/{project.Name}/version%2500")).StatusCode);
    }

    [Fact]
    public async Task A_request_whose_fields_are_all_optional_may_be_left_out()
    {
        using var document = JsonDocument.Parse(await functions.Anonymous.GetStringAsync("/openapi/v1.json"));
        var schemas = document.RootElement.GetProperty("components").GetProperty("schemas");

        // One of their fields is needed, though each by itself is not: they say which.
        string[] needed = ["CreateDatasetImportRequest", "SubmitJobRequest"];
        List<string> optional = [];
        foreach (var path in document.RootElement.GetProperty("paths").EnumerateObject())
        {
            if (path.Value.TryGetProperty("post", out var post) && post.TryGetProperty("requestBody", out var body)
                && body.GetProperty("content").TryGetProperty("application/json", out var json) && NameOf(json.GetProperty("schema")) is { } name
                && schemas.GetProperty(name) is var schema && schema.TryGetProperty("properties", out _) && !schema.TryGetProperty("required", out _) && !needed.Contains(name))
            {
                optional.Add($"{path.Name} {name}");
                Assert.False(body.TryGetProperty("required", out var required) && required.GetBoolean(), path.Name);
            }
        }

        Assert.True(optional.Count >= 9, string.Join('\n', optional));
    }

    [Fact]
    public async Task An_empty_body_is_an_empty_request()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var experiment = await user.Client.PostAsync<Experiment>($"/v1/projects/{project.Id}/experiments", new CreateExperimentRequest("e"));
        await (await user.Client.PostAsync($"/v1/projects/{project.Id}/experiments/{experiment.Id}/runs", null)).ReadAsync<Run>();
        await (await user.Client.PostJsonAsync($"/v1/projects/{project.Id}/experiments/{experiment.Id}/runs", "")).ReadAsync<Run>();
        await user.Client.PostAsync($"/v1/jobs/{new string('0', 32)}/cancel", null).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    private static string? NameOf(JsonElement schema)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            return reference.GetString()!.Split('/')[^1];
        }

        return schema.TryGetProperty("oneOf", out var choices) ? choices.EnumerateArray().Select(NameOf).FirstOrDefault(static name => name is not null) : null;
    }

    private Task<HttpResponseMessage> SendAsync(HttpClient client, string contentType)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/projects") { Content = new ByteArrayContent(Encoding.ASCII.GetBytes($$"""{"name":"{{functions.Name("charset")}}"}""")) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return client.SendAsync(request);
    }

    private async Task<string> RunAsync(HttpClient client)
    {
        var project = await functions.CreateProjectAsync(client);
        var experiment = await client.PostAsync<Experiment>($"/v1/projects/{project.Id}/experiments", new CreateExperimentRequest("e"));
        return (await client.PostAsync<Run>($"/v1/projects/{project.Id}/experiments/{experiment.Id}/runs", new CreateRunRequest("r"))).Id;
    }
}
