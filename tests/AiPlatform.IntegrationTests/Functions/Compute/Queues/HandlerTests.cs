using System.Net;
using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts.Garbage;
using AiPlatform.Contracts.Queues;
using AiPlatform.GpuRunner;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Functions.Clients;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Orchestrations.Tasks;
using AiPlatform.TaskWorker;
using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>The generic handlers against what they call: a real HTTP server, a real Python.</summary>
[Collection(ComputeCollection.Name)]
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
        await using var runner = Runner(data, pool);
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

    [Fact]
    public async Task What_a_python_task_writes_is_read_by_its_owner_while_it_runs_and_afterwards()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var data = Directory.CreateTempSubdirectory("aip-tasks-").FullName;
        await using var runner = Runner(data, pool);
        await runner.StartAsync();
        var package = await queues.Api.CreateTaskPackageAsync(
            project,
            new CreateTaskPackageRequest("talk", new Dictionary<string, string>
            {
                ["talk.py"] = "import sys, time\n\ndef fail():\n    print('你好')\n    print('oh', file=sys.stderr)\n    raise ValueError('no')\n\n"
                    + "def wait():\n    print('begun')\n    time.sleep(600)\n\ndef much():\n    print('first')\n    print('é' * 300_000)\n    print('last')\n\ndef quiet():\n    pass\n",
            }),
            CancellationToken.None);
        async Task<string> SubmitAsync(string function, int attempts = 1) => (await queues.SubmitAsync(project, pool, new SubmitTaskRequest(
            TaskHandlers.Python, JsonSerializer.SerializeToElement(new { package = package.Id, function = $"talk:{function}" }), Retry: new TaskRetry(attempts, 0.05)))).Id;
        Task<string> LogAsync(string task, int attempt) => queues.Api.ReadTaskLogAsync(task, attempt, CancellationToken.None);

        var slow = await SubmitAsync("wait");
        await Eventually.TrueAsync(async () => (await queues.Api.GetQueueTaskAsync(project, pool, slow, CancellationToken.None)).Attempt == 1, "it runs");
        await Eventually.TrueAsync(async () => await LogAsync(slow, 1) == "begun\n", "its output is seen while it runs");
        await queues.Api.CancelTaskAsync(slow, new CancelTaskRequest(), CancellationToken.None);

        var bad = await SubmitAsync("fail", attempts: 2);
        await queues.UntilAsync(project, pool, bad, QueueTaskStatus.DeadLettered);
        foreach (var attempt in (int[])[1, 2])
        {
            var log = await LogAsync(bad, attempt);
            Assert.Contains("你好\n", log, StringComparison.Ordinal);
            Assert.Contains("oh\n", log, StringComparison.Ordinal);
            Assert.Contains("ValueError: no", log, StringComparison.Ordinal);
        }

        using (new AipCommandLine())
        {
            await AipCommandLine.LoginAsync(queues.App.Address, FunctionsFixture.AdministratorName, project);
            var (code, waited, _) = await AipCommandLine.RunApartAsync(["task", "wait", bad]);
            Assert.Equal(2, code);
            Assert.Contains("ValueError", waited, StringComparison.Ordinal);
            Assert.Contains("你好", await AipCommandLine.RunAsync("task", "log", bad), StringComparison.Ordinal);
            Assert.Equal("begun\n", await AipCommandLine.RunAsync("task", "log", slow, "--attempt", "1"));
            Assert.Matches($@"{bad}\s+queueTask\s+Failed\s+", await AipCommandLine.RunAsync("task", "list"));
            Assert.Contains("404 not_found", await AipCommandLine.FailAsync("task", "log", bad, "--attempt", "9"), StringComparison.Ordinal);
        }

        var much = await SubmitAsync("much");
        await queues.UntilAsync(project, pool, much, QueueTaskStatus.Succeeded);
        var end = await LogAsync(much, 1);
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(end), TaskLogRule.MaxBytes - 3, TaskLogRule.MaxBytes);
        Assert.Matches("^\\[aiplatform\\] [0-9]+ bytes before this are left out\né+\nlast\n$", end);

        var quiet = await SubmitAsync("quiet");
        await queues.UntilAsync(project, pool, quiet, QueueTaskStatus.Succeeded);
        Assert.Empty(await LogAsync(quiet, 1));
        foreach (var (task, attempt, api) in new[] { (quiet, 2, queues.Api), (quiet[..^4] + "0000", 1, queues.Api), (bad, 1, (await queues.StrangerAsync()).Api) })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await Assert.ThrowsAsync<ApiException>(() => api.ReadTaskLogAsync(task, attempt, CancellationToken.None))).Status);
        }

        await runner.StopAsync();
        Directory.Delete(data, recursive: true);
    }

    [Fact]
    public async Task The_output_of_an_attempt_that_is_over_changes_nothing_and_one_that_is_too_large_is_refused()
    {
        var (project, pool) = (await queues.ProjectAsync(), queues.Pool());
        var running = new TaskCompletionSource<TaskContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await queues.WorkerAsync(pool, handler: new FunctionHandler(async (task, _) =>
        {
            running.SetResult(task);
            await end.Task;
            return null;
        }));
        var id = (await queues.SubmitAsync(project, pool)).Id;
        var assignment = (await running.Task).Assignment;
        Task WriteAsync(int fence, byte[] text) => queues.WorkerApi.PutTaskLogAsync(id, fence, text, CancellationToken.None);

        await WriteAsync(assignment.Fence, "now"u8.ToArray());
        await WriteAsync(assignment.Fence - 1, "of an earlier release"u8.ToArray());
        Assert.Equal("now", await queues.Api.ReadTaskLogAsync(id, 1, CancellationToken.None));
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            (await Assert.ThrowsAsync<ApiException>(() => WriteAsync(assignment.Fence, new byte[TaskLogRule.MaxBytes + 1]))).Status);
        Assert.Equal(
            HttpStatusCode.Forbidden,
            (await Assert.ThrowsAsync<ApiException>(() => queues.Api.PutTaskLogAsync(id, assignment.Fence, "mine"u8.ToArray(), CancellationToken.None))).Status);
        end.SetResult();
        await queues.UntilAsync(project, pool, id, QueueTaskStatus.Succeeded);
        await WriteAsync(assignment.Fence, "late"u8.ToArray());
        Assert.Equal("now", await queues.Api.ReadTaskLogAsync(id, 1, CancellationToken.None));

        // It waits for its deletion from the beginning, and not before the time that tasks are kept.
        await using var connection = new NpgsqlConnection(queues.Postgres);
        var due = await connection.ExecuteScalarAsync<DateTime>("SELECT due_at FROM garbage_blobs WHERE container = 'jobs' AND name = @name", new { name = $"tasks/{id}/1.log" });
        Assert.InRange(due - DateTime.UtcNow, TimeSpan.FromDays(29.9), TimeSpan.FromDays(30.2));
        await queues.Administrator.PostAsync<GarbageReport>("/v1/garbage/collect", new CollectGarbageRequest(Now: true));
        Assert.Empty(await queues.Api.ReadTaskLogAsync(id, 1, CancellationToken.None));
    }

    private WebApplication Runner(string data, string pool) => GpuRunnerApp.Build(
    [
        $"--Runner:DataDirectory={data}", $"--Runner:ApiUrl={queues.App.Address}", $"--Runner:ClientSecret={QueueFixture.Secret}", "--Runner:HttpPort=0",
        "--Runner:KillGrace=00:00:00.2", "--Runner:MaxTasks=2", $"--Runner:Pool={pool}", "--Logging:LogLevel:Default=None", $"--ConnectionStrings:ServiceBus={queues.Broker}",
    ]);
}
