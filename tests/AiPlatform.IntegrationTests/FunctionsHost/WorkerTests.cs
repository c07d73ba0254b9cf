using System.Diagnostics;
using System.Net;
using AiPlatform.FunctionsHost.App;
using AiPlatform.IntegrationTests.Platform;
using AiPlatform.Local.Processes;
using Grpc.Core;
using Grpc.Net.Client;

namespace AiPlatform.IntegrationTests.FunctionsHost;

/// <summary>The worker's life: started, killed, started again, told to end; and who may speak as one.</summary>
public sealed class WorkerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip host ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_killed_worker_is_started_again_and_requests_wait_for_it()
    {
        await using var host = await StartAsync();
        using var client = host.CreateClient();
        Assert.Equal("hello ada ada ", await client.GetStringAsync("/api/hello/ada"));

        for (var crashes = 1; crashes <= 3; crashes++)
        {
            Assert.True(Signals.Send(host.Processes[^1], Signals.Kill));
            await host.UntilAsync(() => host.Ends.Count == crashes, "the end was noticed");
            Assert.Equal("hello ada ada ", await client.GetStringAsync("/api/hello/ada"));
            Assert.Equal(crashes + 1, host.Processes.Count);
        }

        Assert.All(host.Ends, static reason => Assert.Equal("The worker ended with 137.", reason));
    }

    [Fact]
    public async Task A_request_whose_worker_dies_fails_at_once()
    {
        await using var host = await StartAsync();
        using var client = host.CreateClient();
        var slow = client.GetAsync("/api/slow/4000");
        await host.UntilAsync(() => host.Lines.Contains("slow begins"), "the request is being served");
        Signals.Send(host.Processes[0], Signals.Kill);

        using var response = await slow.WaitAsync(TimeSpan.FromSeconds(3));
        Assert.True(response.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.InternalServerError, $"{response.StatusCode}");
    }

    [Fact]
    public async Task A_worker_that_ends_by_itself_is_started_again_with_the_code_it_ended_with()
    {
        await using var host = await StartAsync();
        using var client = host.CreateClient();
        using (var crash = await client.PostAsync(new Uri("/api/crash?code=3", UriKind.Relative), null))
        {
            Assert.True((int)crash.StatusCode >= 500);
        }

        Assert.Equal("hello ada ada ", await client.GetStringAsync("/api/hello/ada"));
        Assert.Equal("The worker ended with 3.", Assert.Single(host.Ends));
    }

    [Fact]
    public async Task A_stopping_host_waits_for_what_runs_and_takes_nothing_more()
    {
        var host = await StartAsync(options => options.DrainTimeout = TimeSpan.FromSeconds(20));
        await using (host)
        {
            using var client = host.CreateClient();
            var slow = client.GetStringAsync("/api/slow/2000");
            await host.UntilAsync(() => host.Lines.Contains("slow begins"), "the request is being served");
            var stopped = host.StopAsync();

            await Assert.ThrowsAsync<HttpRequestException>(() => new HttpClient { BaseAddress = host.Address }.GetAsync("/api/hello/ada"));
            Assert.Equal("slept", await slow);
            await stopped.WaitAsync(TimeSpan.FromSeconds(15));
            Assert.Null(ProcessIdentity.Of(host.Processes[0]));
        }
    }

    [Fact]
    public async Task A_stream_does_not_keep_a_stopping_host_longer_than_it_may()
    {
        await using var host = await StartAsync(options => options.DrainTimeout = TimeSpan.FromSeconds(1));
        using var client = host.CreateClient();
        using var stream = await client.GetAsync("/api/events", HttpCompletionOption.ResponseHeadersRead);

        var clock = Stopwatch.StartNew();
        await host.StopAsync();

        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(15));
        Assert.Null(ProcessIdentity.Of(host.Processes[0]));
    }

    [Fact]
    public async Task A_killed_host_leaves_no_worker_behind()
    {
        var executable = Path.Combine(HostInstance.BuiltFolder("infra", "AiPlatform.FunctionsHost"), "AiPlatform.FunctionsHost");
        var start = new ProcessStartInfo(executable, ["--FunctionsHost:HttpPort=0", $"--FunctionsHost:AppDirectory={SampleAppFixture.Folder}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["SAMPLE_SCHEDULE"] = "0 0 0 1 1 *";
        using var host = Process.Start(start)!;
        try
        {
            ProcessIdentity? worker = null;
            while (await host.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) is { } line)
            {
                if (line.Contains("beat ", StringComparison.Ordinal))
                {
                    worker = ProcessIdentity.Of(Children(host.Id).Single());
                    break;
                }
            }

            Assert.NotNull(worker);
            host.Kill();
            await host.WaitForExitAsync();
            await Eventually.TrueAsync(() => Task.FromResult(!worker.IsRunning()), "the worker has ended");
        }
        finally
        {
            host.Kill();
        }
    }

    [Fact]
    public async Task Nobody_speaks_for_a_worker_whose_id_is_in_no_command_line()
    {
        await using var host = await StartAsync();
        var commandLine = await File.ReadAllTextAsync($"/proc/{host.Processes[0]}/cmdline");
        var arguments = commandLine.Split('\0');
        var rpc = arguments[Array.IndexOf(arguments, "--functions-uri") + 1];
        var request = arguments[Array.IndexOf(arguments, "--functions-request-id") + 1];
        Assert.DoesNotContain("--functions-worker-id", arguments);

        // What can be read is no id of a worker.
        using var channel = GrpcChannel.ForAddress(rpc);
        var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(RawStream, null, new CallOptions());
        await call.RequestStream.WriteAsync([0xA2, 0x01, (byte)(request.Length + 2), 0x12, (byte)request.Length, .. System.Text.Encoding.ASCII.GetBytes(request)]);
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        using var client = host.CreateClient();
        Assert.Equal("hello ada ada ", await client.GetStringAsync("/api/hello/ada"));
    }

    [Fact]
    public async Task The_worker_gets_the_host_s_settings_and_not_the_host_s_own_business()
    {
        await using var host = await StartAsync(options => options.Postgres = null);
        var variables = (await File.ReadAllTextAsync($"/proc/{host.Processes[0]}/environ")).Split('\0');
        Assert.Contains("SAMPLE_SCHEDULE=0 0 0 1 1 *", variables);
        Assert.Contains($"FUNCTIONS_APPLICATION_DIRECTORY={SampleAppFixture.Folder}", variables);
        Assert.Contains(variables, static variable => variable.StartsWith("PATH=", StringComparison.Ordinal));
        Assert.DoesNotContain(variables, static variable => variable.StartsWith("FunctionsHost__", StringComparison.Ordinal) || variable.StartsWith("ASPNETCORE_URLS=", StringComparison.Ordinal));

        // On its own ports it answers nobody but the host.
        using var http = new HttpClient();
        foreach (var port in ListeningSockets.Of(host.Processes[0]).ToList())
        {
            var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/api/hello/ada"));
            Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        }
    }

    [Fact]
    public async Task An_app_that_takes_no_http_by_itself_gets_it_in_the_conversation()
    {
        await using var host = await StartAsync(options => options.Environment["SAMPLE_CONVERSE"] = "1");
        using var client = host.CreateClient();
        using var response = await client.PostAsync(new Uri("/api/data/7?q=x", UriKind.Relative), new StringContent("the body"));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("yes", Assert.Single(response.Headers.GetValues("x-answer")));
        Assert.Equal("POST 7 x the body", await response.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.InternalServerError, (await client.GetAsync("/api/data/boom")).StatusCode);
        await host.UntilAsync(() => host.Count("beat ") > 0, "its timers fire");
    }

    [Fact]
    public async Task Without_a_worker_a_request_is_told_to_come_again()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "host.json"), """{"version":"2.0"}""");
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "worker.config.json"), """{"description":{"defaultExecutablePath":"/bin/false","defaultWorkerPath":"none.dll"}}""");
        await using var host = await HostInstance.StartAsync(_folder, options => options.WorkerWait = TimeSpan.FromSeconds(0.5), waitUntilReady: false);
        using var client = host.CreateClient();

        using var response = await client.GetAsync("/api/hello/ada");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter!.Delta);
        await host.UntilAsync(() => host.Ends.Count > 2, "it was tried again and again");
        Assert.All(host.Ends, static reason => Assert.Equal("The worker ended with 1.", reason));
    }

    [Fact]
    public async Task A_folder_without_an_app_is_refused_by_name()
    {
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => HostInstance.StartAsync(_folder, waitUntilReady: false));
        Assert.Contains(Path.Combine(_folder, "worker.config.json"), exception.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => FunctionApp.Read(Path.Combine(_folder, "none")));
    }

    private static readonly Method<byte[], byte[]> RawStream = new(
        MethodType.DuplexStreaming, "AzureFunctionsRpcMessages.FunctionRpc", "EventStream",
        Marshallers.Create(static bytes => bytes, static bytes => bytes), Marshallers.Create(static bytes => bytes, static bytes => bytes));

    // Of every thread of the process.
    private static IEnumerable<int> Children(int process)
        => Directory.EnumerateDirectories($"/proc/{process}/task").SelectMany(static thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(static id => int.Parse(id, System.Globalization.CultureInfo.InvariantCulture));

    private static Task<HostInstance> StartAsync(Action<AiPlatform.FunctionsHost.FunctionsHostOptions>? configure = null)
        => HostInstance.StartAsync(SampleAppFixture.Folder, options =>
        {
            options.Environment["SAMPLE_SCHEDULE"] = "0 0 0 1 1 *";
            configure?.Invoke(options);
        });
}
