using System.Net;
using System.Net.Sockets;
using System.Text;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>What broken or hostile clients send: a clear error, and nothing of it is stored.</summary>
[Collection(TrackingCollection.Name)]
public sealed class HostileInputTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";
    private static readonly string[] Escapes = ["../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/.", "..", "a\\..\\b", "%2e%2e/x", "..%2fx", "C:/x", "a\u0001b"];

    [Fact]
    public async Task A_batch_that_breaks_off_stores_nothing()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        var body = $$"""{"run_id":"{{run}}","metrics":[{"key":"a","value":1,"timestamp":1}],"params":[{"key":"p","value":"1"}],"tags":[{"key":"t","value":"1"}]}""";
        foreach (var chunked in new[] { false, true })
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(functions.App.Address.Host, functions.App.Address.Port);
            var head = $"POST /api/2.0/mlflow/runs/log-batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {user.AccessToken}\r\nContent-Type: application/json\r\n"
                + (chunked ? $"Transfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n" : $"Content-Length: {body.Length + 1}\r\n\r\n{body}");
            var stream = socket.GetStream();
            await stream.WriteAsync(Encoding.UTF8.GetBytes(head));
            socket.Client.Shutdown(SocketShutdown.Send);

            // The server has given the request up when it closes or answers.
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            var answer = new byte[12];
            var count = 0;
            try
            {
                count = await stream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, patience.Token);
            }
            catch (IOException exception) when (exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
            {
                // Resetting is closing, too: no answer was given.
            }

            Assert.DoesNotContain(" 200", Encoding.ASCII.GetString(answer, 0, count), StringComparison.Ordinal);
        }

        var data = (await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["data"]!;
        Assert.Equal((0, 0, 1), (data["metrics"]!.AsArray().Count, data["params"]!.AsArray().Count, data["tags"]!.AsArray().Count));
    }

    [Fact]
    public async Task What_is_too_large_too_deep_or_no_text_is_refused()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        var message = await mlflow.ErrorAsync("runs/set-tag", new { run_id = run, key = "big", value = new string('v', 100_000) }, HttpStatusCode.BadRequest, Invalid);
        Assert.Contains("had length 100000, which exceeded length limit of 8000", message, StringComparison.Ordinal);
        await mlflow.ErrorAsync("runs/log-parameter", new { run_id = run, key = "big", value = new string('v', 6_001) }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("experiments/set-experiment-tag", new { experiment_id = "0", key = "big", value = new string('v', 100_000) }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("runs/log-batch", $$"""{"run_id":"{{run}}","x":{{new string('[', 200)}}""", HttpStatusCode.BadRequest, "BAD_REQUEST");
        await mlflow.ErrorAsync("runs/set-tag", $$"""{"run_id":"{{run}}","x":{{new string('[', 200)}}""", HttpStatusCode.BadRequest, "BAD_REQUEST");
        await mlflow.ErrorAsync("runs/set-tag", new { run_id = run, key = "nul", value = "a\0b" }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("runs/log-batch", new { run_id = run, tags = new[] { new { key = "nul", value = "a\0b" } } }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("runs/create", """["no object"]""", HttpStatusCode.BadRequest, "BAD_REQUEST");
        await mlflow.ErrorAsync("runs/create", new { experiment_id = "0", start_time = -1 }, HttpStatusCode.BadRequest, Invalid);
        using (var invalid = new HttpRequestMessage(HttpMethod.Post, "/api/2.0/mlflow/runs/set-tag") { Content = new ByteArrayContent([(byte)'{', (byte)'"', 0xff, 0xfe, (byte)'"', (byte)':', (byte)'1', (byte)'}']) })
        using (var answer = await user.Client.SendAsync(invalid))
        {
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }

        using var huge = new StringContent($$"""{"run_id":"{{run}}","tags":[],"x":"{{new string('x', 5 * 1024 * 1024)}}"}""", Encoding.UTF8, "application/json");
        using (var answer = await user.Client.PostAsync("/api/2.0/mlflow/runs/log-batch", huge))
        {
            Assert.True(answer.StatusCode is HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.BadRequest, $"{answer.StatusCode}");
        }

        Assert.Single((await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["data"]!["tags"]!.AsArray());
    }

    [Fact]
    public async Task A_clock_that_is_wrong_spoils_nothing()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        var run = await mlflow.RunAsync();
        const long farFuture = 253_402_300_799_999;
        await mlflow.PostAsync("runs/log-batch", new { run_id = run, metrics = new[] { Point(3, farFuture, 3), Point(1, 0, 1), Point(2, 1_700_000_000_000, 2) } });
        foreach (var timestamp in new[] { -1L, farFuture + 1, long.MaxValue, long.MinValue })
        {
            var message = await mlflow.ErrorAsync("runs/log-batch", new { run_id = run, metrics = new[] { Point(9, timestamp, 9) } }, HttpStatusCode.BadRequest, Invalid);
            Assert.StartsWith($"Got invalid timestamp {timestamp} for metric 'loss'", message, StringComparison.Ordinal);
        }

        var history = (await mlflow.GetAsync($"metrics/get-history?run_id={run}&metric_key=loss"))["metrics"]!.AsArray();
        Assert.Equal([1L, 2, 3], history.Select(point => (long)point!["step"]!));
        Assert.Equal(3, (double)(await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["data"]!["metrics"]![0]!["value"]!);
        await mlflow.PostAsync("runs/update", new { run_id = run, status = "FINISHED", end_time = 0 });
        await mlflow.ErrorAsync("runs/update", new { run_id = run, end_time = farFuture + 1 }, HttpStatusCode.BadRequest, Invalid);

        static object Point(double value, long timestamp, long step) => new { key = "loss", value, timestamp, step };
    }

    [Fact]
    public async Task A_path_that_escapes_is_refused_by_every_artifact_route()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var proxy = new MLflowClient(user.Client, "/api/2.0/mlflow-artifacts/");
        var run = await mlflow.RunAsync();
        foreach (var path in Escapes)
        {
            await mlflow.ErrorAsync("artifacts/presigned-upload-url", new { run_id = run, path }, HttpStatusCode.BadRequest, Invalid);
            await mlflow.ErrorAsync("artifacts/presigned-download-url", new { run_id = run, path }, HttpStatusCode.BadRequest, Invalid);
            await RefusesPartsAsync(path);
            if (path is not ("/etc/passwd" or "a//b"))
            {
                await proxy.ErrorAsync($"artifacts?path={Uri.EscapeDataString($"0/{run}/artifacts/{path}")}", null, HttpStatusCode.BadRequest, Invalid);
            }

            using var put = await user.Client.PutAsync($"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/{Uri.EscapeDataString(path)}", new StringContent("x"));
            Assert.False(put.IsSuccessStatusCode, path);
        }

        Assert.Empty((await mlflow.GetAsync($"artifacts/list?run_id={run}"))["files"]!.AsArray());

        // Of the file's name on the client's machine only the last part counts; the folder is the route's.
        async Task RefusesPartsAsync(string path)
        {
            foreach (var name in path.Split('/', '\\')[^1] is "x" or "passwd" or "a" or "b" ? ["..", "."] : new[] { path })
            {
                await proxy.ErrorAsync($"mpu/create/0/{run}/artifacts/data", new { path = name, num_parts = 1 }, HttpStatusCode.BadRequest, Invalid);
            }

            await proxy.ErrorAsync($"mpu/create/0/{run}/artifacts/{Uri.EscapeDataString(path)}", new { path = "x", num_parts = 1 }, HttpStatusCode.BadRequest, Invalid);
        }
    }
}
