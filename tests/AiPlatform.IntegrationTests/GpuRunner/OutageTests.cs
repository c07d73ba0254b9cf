using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>The platform goes away and comes back; the runner stops and starts: nothing acknowledged is lost, nothing is sent twice.</summary>
public sealed class OutageTests
{
    private const string Chatty =
        """
        import time
        import aiplatform_runtime as aip
        for step in range(200):
            aip.log_metrics({"loss": step}, step=step)
            print("step", step, flush=True)
        open("model.onnx", "w").write("m" * 1000)
        aip.log_model("model.onnx", metrics={"val_accuracy": 0.99})
        """;

    [Fact]
    public async Task An_outage_during_a_job_loses_nothing()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.02)\n" + Chatty);
        await RunnerHarness.UntilAsync(() => harness.Platform.Events.Any(e => e.Kind == JobEventKind.Started));
        harness.Platform.Down = true;
        await File.WriteAllTextAsync(Path.Combine(harness.NodeDirectory(), "work", "code", "go"), "");
        await RunnerHarness.UntilAsync(() => new FileInfo(Path.Combine(harness.NodeDirectory(), "artifacts.spool")).Length > 0);
        Assert.Empty(harness.Platform.Points);
        harness.Platform.Down = false;
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Finished, end.Kind);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => (double)i), harness.Platform.Points.OrderBy(p => p.Key.Sequence).Select(p => p.Value.Value));
        Assert.Equal(0.99, harness.Platform.Artifacts["model/model.onnx"].Metrics!["val_accuracy"]);
        Assert.Contains("step 199", harness.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopped_runner_reports_the_node_lost_and_sends_the_rest_at_its_next_start()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:StopPatience=00:00:00.3");
        harness.Submit(Chatty + "\ntime.sleep(600)\n");
        await RunnerHarness.UntilAsync(() => harness.Platform.Artifacts.ContainsKey("model/model.onnx"), () => harness.Log());
        harness.Platform.Down = true;
        await harness.StopRunnerAsync();
        Assert.Equal(JobEventKind.Lost, (await harness.EndAsync()).Kind);

        harness.Platform.Down = false;
        var first = Assert.Single(harness.Platform.Registrations);
        await harness.StartRunnerAsync();
        await RunnerHarness.UntilAsync(() => harness.Platform.Registrations.Count == 2 && !Directory.Exists(harness.NodeDirectory()));
        var second = harness.Platform.Registrations.Last();
        Assert.Equal(first.Id, second.Id);
        Assert.NotEqual(first.SessionId, second.SessionId);
        Assert.Equal(200, harness.Platform.Points.Count);
    }

    [Fact]
    public async Task A_platform_that_is_away_at_the_claim_is_asked_again()
    {
        await using var harness = await RunnerHarness.StartAsync();
        await RunnerHarness.UntilAsync(() => !harness.Platform.Heartbeats.IsEmpty);
        harness.Platform.Down = true;
        harness.Submit("print('late but there')");
        await RunnerHarness.UntilAsync(() => harness.Platform.Dropped.Count(static path => path.EndsWith("/claim", StringComparison.Ordinal)) >= 2);
        harness.Platform.Down = false;
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync()).Kind);
    }

    [Fact]
    public async Task A_claim_that_cannot_be_made_in_time_goes_back_to_the_queue()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:ClaimPatience=00:00:00.2");
        await RunnerHarness.UntilAsync(() => !harness.Platform.Heartbeats.IsEmpty);
        harness.Platform.Down = true;
        harness.Offer();
        await RunnerHarness.UntilAsync(() => harness.Abandoned == 1);
    }

    [Fact]
    public async Task A_runner_that_was_forgotten_registers_again_in_the_same_session()
    {
        await using var harness = await RunnerHarness.StartAsync();
        await RunnerHarness.UntilAsync(() => !harness.Platform.Heartbeats.IsEmpty);
        harness.Platform.Forgotten = 1;
        await RunnerHarness.UntilAsync(() => harness.Platform.Registrations.Count == 2);
        Assert.Single(harness.Platform.Registrations.Select(registration => registration.SessionId).Distinct());
    }

    [Fact]
    public async Task A_store_that_is_away_while_data_is_staged_is_asked_again_with_fresh_addresses()
    {
        await using var harness = await RunnerHarness.StartAsync();
        var file = harness.Platform.Serve("a.txt", "content"u8.ToArray());
        harness.Submit(
            "import aiplatform_runtime as aip\nprint((aip.dataset_path() / 'a.txt').read_text())",
            configure: builder => builder.Assignment = builder.Assignment with
            {
                Datasets = [new("data", 1, [file with { Url = $"{harness.Platform.Url}/blobs/expired" }])],
            });
        await RunnerHarness.UntilAsync(() => Directory.Exists(harness.NodeDirectory()));
        harness.Platform.Assignments[harness.JobId] = harness.Platform.Assignments[harness.JobId] with { Datasets = [new("data", 1, [file])] };
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync()).Kind);
        Assert.Contains("content", harness.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_draining_runner_takes_nothing_and_says_so()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Platform.Commands.Enqueue(new RunnerCommand(RunnerCommandKind.Drain));
        await RunnerHarness.UntilAsync(() => harness.Platform.Heartbeats.Any(beat => beat.Draining));
        harness.Submit("print(1)");
        var beats = harness.Platform.Heartbeats.Count;
        await RunnerHarness.UntilAsync(() => harness.Platform.Heartbeats.Count > beats + 3);
        Assert.Equal(0, harness.Completed);
    }

    [Fact]
    public async Task Health_and_metrics_are_served()
    {
        await using var harness = await RunnerHarness.StartAsync("--Metrics:Token=scrape");
        await RunnerHarness.UntilAsync(() => !harness.Platform.Heartbeats.IsEmpty);
        using var http = new HttpClient { BaseAddress = new Uri(harness.Url) };
        Assert.Equal("Healthy", await http.GetStringAsync("health"));
        Assert.Equal("Healthy", await http.GetStringAsync("health/ready"));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await http.GetAsync("metrics")).StatusCode);
        http.DefaultRequestHeaders.Authorization = new("Bearer", "scrape");
        var metrics = await http.GetStringAsync("metrics");
        Assert.Contains("aip_runner_nodes_running 0", metrics, StringComparison.Ordinal);
        Assert.Contains("aip_runner_cpu_utilization_percent ", metrics, StringComparison.Ordinal);
        var beat = harness.Platform.Heartbeats.Last();
        Assert.InRange(Assert.Single(beat.Samples).UtilizationPercent!.Value, 0, 100);
    }

    [Fact]
    public async Task A_second_runner_on_the_same_data_directory_is_refused()
    {
        await using var harness = await RunnerHarness.StartAsync();
        var app = AiPlatform.GpuRunner.GpuRunnerApp.Build(
            [$"--Runner:DataDirectory={harness.DataDirectory}", $"--Runner:ApiUrl={harness.Platform.Url}", "--Runner:ClientSecret=secret", "--Runner:HttpPort=0", "--ConnectionStrings:ServiceBus=Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=YQ==;UseDevelopmentEmulator=true"]);
        await using (app)
        {
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => app.StartAsync());
            Assert.Contains("Another runner uses", refused.Message, StringComparison.Ordinal);
        }
    }
}
