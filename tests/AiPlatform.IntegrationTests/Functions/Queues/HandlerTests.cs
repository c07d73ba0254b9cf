using System.Net;
using System.Text.Json;
using AiPlatform.Contracts.Queues;
using AiPlatform.GpuRunner;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Orchestrations.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace AiPlatform.IntegrationTests.Functions.Queues;

/// <summary>The generic handlers against what they call: a real HTTP server, a real Python.</summary>
[Collection(ServersCollection.Name)]
public sealed class HandlerTests(QueueFixture queues) : IClassFixture<QueueFixture>
{
    [Fact]
    public async Task Http_calls_a_url_and_repeats_what_may_pass()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var calls = 0;
        await using var server = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Error"]).Build();
        server.MapPost("/hook", async (HttpRequest request) => Interlocked.Increment(ref calls) == 1
            ? Results.StatusCode(503)
            : Results.Text($"{request.Headers["X-Task-Attempt"]} {request.Headers["X-Own"]} {await new StreamReader(request.Body).ReadToEndAsync()}"));
        await server.StartAsync();
        var url = server.Urls.First();

        using var open = new GuardedHttp(["127.0.0.1"]);
        await using var worker = await queues.WorkerAsync(pool, handler: new HttpHandler(open));
        var payload = JsonSerializer.SerializeToElement(new { url = url + "/hook", headers = new Dictionary<string, string> { ["X-Own"] = "yes" }, body = new { a = 1 } });
        var task = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Http, payload, Retry: new TaskRetry(FirstDelaySeconds: 0.05, RetryOn: ["http.5*"])));
        var ended = await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.Succeeded);
        Assert.Equal(200, ended.Result?.GetProperty("status").GetInt32());
        Assert.Equal("2 yes {\"a\":1}", ended.Result?.GetProperty("body").GetString());

        var gone = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(
            TaskHandlers.Http, JsonSerializer.SerializeToElement(new { url = url + "/nothing" }), Retry: new TaskRetry(RetryOn: ["http.5*"])));
        Assert.Equal("http.404", (await queues.UntilAsync(project, pool, gone.Id, QueueTaskStatus.DeadLettered)).ErrorKind);
    }

    [Fact]
    public async Task Http_follows_no_redirect_by_which_an_outer_server_would_reach_an_inner_one()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var reached = 0;
        await using var server = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Error"]).Build();
        server.MapGet("/away/{status:int}", (int status, HttpResponse response) =>
        {
            response.StatusCode = status;
            response.Headers.Location = "/inner";
        });
        server.MapGet("/inner", () => Interlocked.Increment(ref reached));
        await server.StartAsync();
        using var open = new GuardedHttp(["127.0.0.1"]);
        await using var worker = await queues.WorkerAsync(pool, handler: new HttpHandler(open));
        foreach (var status in (int[])[301, 302, 303, 307, 308])
        {
            var payload = JsonSerializer.SerializeToElement(new { url = $"{server.Urls.First()}/away/{status}", method = "GET" });
            var task = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Http, payload, Retry: new TaskRetry(MaxAttempts: 1)));
            Assert.Equal($"http.{status}", (await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.DeadLettered)).ErrorKind);
        }

        Assert.Equal(0, reached);
    }

    [Fact]
    public async Task Http_keeps_of_an_answer_what_fits_into_a_result_and_calls_once()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var calls = 0;
        await using var server = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Error"]).Build();
        server.MapGet("/controls", () =>
        {
            Interlocked.Increment(ref calls);
            return Results.Bytes(Enumerable.Repeat((byte)1, 16 * 1024).ToArray()); // Six bytes each in JSON.
        });
        server.MapGet("/chinese", () => Results.Text(new string('中', 10_000)));
        await server.StartAsync();
        using var open = new GuardedHttp(["127.0.0.1"]);
        await using var worker = await queues.WorkerAsync(pool, handler: new HttpHandler(open));
        SubmitTaskRequest To(string path) => new(
            TaskHandlers.Http, JsonSerializer.SerializeToElement(new { url = server.Urls.First() + path, method = "GET" }), Retry: new TaskRetry(MaxAttempts: 2));
        var controls = await queues.SubmitAsync(project, pool, To("/controls"));
        var result = (await queues.UntilAsync(project, pool, controls.Id, QueueTaskStatus.Succeeded)).Result!.Value;
        Assert.True(result.GetProperty("truncated").GetBoolean());
        Assert.InRange(result.GetProperty("body").GetString()!.Length, 10_000, 11_000);
        Assert.Equal(1, calls);

        var chinese = await queues.SubmitAsync(project, pool, To("/chinese"));
        result = (await queues.UntilAsync(project, pool, chinese.Id, QueueTaskStatus.Succeeded)).Result!.Value;
        Assert.Equal(new string('中', 16 * 1024 / 3), result.GetProperty("body").GetString());
        Assert.True(result.GetProperty("truncated").GetBoolean());
    }

    [Fact]
    public async Task Http_does_not_reach_private_addresses()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        using var guarded = new GuardedHttp([]);
        await using var worker = await queues.WorkerAsync(pool, handler: new HttpHandler(guarded));
        var payload = JsonSerializer.SerializeToElement(new { url = $"{queues.App.Address}health", method = "GET" });
        var task = await queues.SubmitAsync(project, pool, new SubmitTaskRequest(TaskHandlers.Http, payload));
        var ended = await queues.UntilAsync(project, pool, task.Id, QueueTaskStatus.DeadLettered);
        Assert.Equal(("invalid", 1), (ended.ErrorKind, ended.Attempt));
    }

    [Fact]
    public async Task Python_runs_a_function_of_a_package_on_a_runner()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var data = Directory.CreateTempSubdirectory("aip-tasks-").FullName;
        await using var runner = GpuRunnerApp.Build(
        [
            $"--Runner:DataDirectory={data}", $"--Runner:ApiUrl={queues.App.Address}", $"--Runner:ClientSecret={QueueFixture.Secret}", "--Runner:HttpPort=0",
            "--Runner:KillGrace=00:00:00.2", "--Runner:MaxTasks=2", $"--Runner:Pool={pool}", "--Logging:LogLevel:Default=None", $"--ConnectionStrings:ServiceBus={queues.Broker}",
        ]);
        await runner.StartAsync();
        var package = await queues.Api.CreateTaskPackageAsync(
            project,
            new CreateTaskPackageRequest("sums", new Dictionary<string, string>
            {
                ["lib/__init__.py"] = "",
                ["lib/sums.py"] = "def add(a, b):\n    return {'sum': a + b}\n\ndef fail():\n    raise ValueError('no')\n\n"
                    + "def wait():\n    import time\n    from aiplatform_runtime import task\n    task.progress(0.5)\n    time.sleep(600)\n",
            }),
            CancellationToken.None);
        SubmitTaskRequest Call(string function, object? arguments = null) => new(
            TaskHandlers.Python, JsonSerializer.SerializeToElement(new { package = package.Id, function = $"lib.sums:{function}", arguments }), Retry: new TaskRetry(MaxAttempts: 1));

        var slow = await queues.SubmitAsync(project, pool, Call("wait"));
        var good = await queues.SubmitAsync(project, pool, Call("add", new { a = 2, b = 3 }));
        Assert.Equal(5, (await queues.UntilAsync(project, pool, good.Id, QueueTaskStatus.Succeeded)).Result?.GetProperty("sum").GetInt32());
        var bad = await queues.UntilAsync(project, pool, (await queues.SubmitAsync(project, pool, Call("fail"))).Id, QueueTaskStatus.DeadLettered);
        Assert.Equal("python.ValueError", bad.ErrorKind);
        Assert.Contains("lib/sums.py", bad.Reason);

        await Eventually.TrueAsync(async () => (await queues.Api.GetTaskAsync(slow.Id, CancellationToken.None)).Progress == 0.5, "progress is seen");
        await queues.Api.CancelTaskAsync(slow.Id, new CancelTaskRequest(), CancellationToken.None);
        await queues.UntilAsync(project, pool, slow.Id, QueueTaskStatus.Cancelled);
        await Eventually.TrueAsync(() => Task.FromResult(!Directory.EnumerateFileSystemEntries(Path.Combine(data, "tasks")).Any()), "the workspaces are gone");
        await runner.StopAsync();
        Directory.Delete(data, recursive: true);
    }
}
