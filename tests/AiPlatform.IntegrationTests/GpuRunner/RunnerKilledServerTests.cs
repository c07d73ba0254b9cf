using System.Diagnostics;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>The runner as its own process, killed in the middle of a job, against a real broker.</summary>
[Collection(ComputeCollection.Name)]
public sealed class RunnerKilledServerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly string Nap = $"{Random.Shared.Next(100_000_000, 999_999_999)}";

    private readonly string _data = Directory.CreateTempSubdirectory("aip-killed-").FullName;
    private readonly string _job = Guid.CreateVersion7().ToString("N");
    private TestBroker _broker = null!;
    private ScriptedPlatform _platform = null!;
    private Process? _runner;

    public async Task InitializeAsync()
    {
        _broker = await TestBroker.StartAsync(await postgres.CreateDatabaseAsync("runner"));
        _platform = await ScriptedPlatform.StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (_runner is { HasExited: false })
        {
            _runner.Kill();
            await _runner.WaitForExitAsync();
        }

        await ProcessTree.EndAsync($"{_job}-1-0", new HashSet<(int, ulong)>(), TimeSpan.Zero, TimeProvider.System, default);
        _runner?.Dispose();
        await _platform.DisposeAsync();
        await _broker.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task What_ranks_logged_before_the_kill_arrives_exactly_once_and_the_next_attempt_runs()
    {
        Assign(1, """
            import os, time
            import aiplatform_runtime as aip
            while not os.path.exists("go"):
                time.sleep(0.05)
            for step in range(100):
                aip.log_metrics({"loss": step}, step=step)
            print("all logged", flush=True)
            open("done", "w").write("x")
            aip.log_artifact("done")
            open("waits", "w").close()
            while True:
                time.sleep(0.1)
            """);
        StartRunner();
        await _broker.OfferAsync(new NodeMessage(_job, 1, 0, 1));
        Assert.Equal(JobEventKind.Started, (await NextEventAsync()).Kind);
        _platform.Down = true;
        var node = Path.Combine(_data, "nodes", $"{_job}-1-0");
        await File.WriteAllTextAsync(Path.Combine(node, "work", "code", "go"), "");
        // Killed before the rank has its answer, the runner would take the rank with it.
        await RunnerHarness.UntilAsync(() => Directory.EnumerateFiles(node, "waits", SearchOption.AllDirectories).Any());
        Assert.True(new FileInfo(Path.Combine(node, "artifacts.spool")).Length > 0);

        _runner!.Kill();
        await _runner.WaitForExitAsync();
        Assert.NotEmpty(Ranks());
        Assert.Empty(_platform.Points);

        // The node's token has expired while the runner was away: it brings the rest with its own identity.
        _platform.RejectedToken = "token";
        _platform.Down = false;
        StartRunner();
        await RunnerHarness.UntilAsync(() => !Directory.Exists(node), () => $"{_platform.Points.Count} points, log: {_platform.LogText(_job, 1, 0)}");
        Assert.Empty(Ranks());
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (1, "0-0", (long)i)), _platform.Points.Keys.Order());
        Assert.Equal("all logged\n", _platform.LogText(_job, 1, 0));
        Assert.True(_platform.Artifacts.ContainsKey("done"));
        Assert.Equal(2, _platform.Registrations.Count);
        Assert.Single(_platform.Registrations.Select(registration => registration.Id).Distinct());
        Assert.Equal(2, _platform.Registrations.Select(registration => registration.SessionId).Distinct().Count());

        _platform.RejectedToken = null;
        // A child that leaves its session, its parent and its environment behind is found all the same.
        Assign(2, $$"""
            import os
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execve("/bin/sleep", ["sleep", "{{Nap}}"], {})
                os._exit(0)
            os.wait()
            """);
        await _broker.OfferAsync(new NodeMessage(_job, 2, 0, 1), JobPriority.Critical);
        Assert.Equal((2, JobEventKind.Started), Kind(await NextEventAsync()));
        Assert.Equal((2, JobEventKind.Finished), Kind(await NextEventAsync()));

        Assert.DoesNotContain(ProcessTree.Snapshot(), entry => entry.State != 'Z' && CommandLine(entry.Id).Contains(Nap, StringComparison.Ordinal));

        // A stop in good order.
        using var stop = Process.Start("kill", ["-TERM", $"{_runner!.Id}"]);
        await _runner.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token);
        Assert.Equal(0, _runner.ExitCode);
    }

    private static (int Attempt, JobEventKind Kind) Kind(JobEvent jobEvent) => (jobEvent.Attempt, jobEvent.Kind);

    private static string CommandLine(int processId)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }

    private void Assign(int attempt, string code)
        => _platform.Assignments[_job] = new NodeAssignment(
            _job, "run1", "project1", attempt, 0,
            new JobSpec(
                null, new JobCode("main.py", new Dictionary<string, string> { ["main.py"] = code }), JsonDocument.Parse("{}").RootElement, [],
                new JobResources(), new JobRetry(), 300, [], null),
            [], null, "token", 900);

    private void StartRunner()
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "AiPlatform.GpuRunner.dll")]) { UseShellExecute = false };
        start.Environment["Runner__DataDirectory"] = _data;
        start.Environment["Runner__ApiUrl"] = _platform.Url;
        start.Environment["Runner__ClientSecret"] = "secret";
        start.Environment["Runner__HttpPort"] = "0";
        start.Environment["Runner__SystemMetricsInterval"] = "00:00:00";
        start.Environment["Logging__LogLevel__Default"] = "Error";
        start.Environment["ConnectionStrings__ServiceBus"] = _broker.ConnectionString;
        _runner?.Dispose();
        _runner = Process.Start(start)!;
    }

    private List<ProcessEntry> Ranks() => NodeMarker.Live($"{_job}-1-0");

    private async Task<JobEvent> NextEventAsync()
    {
        await using var receiver = _broker.Client.CreateReceiver(JobQueues.Events);
        var message = await receiver.ReceiveMessageAsync(TimeSpan.FromMinutes(3));
        Assert.NotNull(message);
        await receiver.CompleteMessageAsync(message);
        var jobEvent = JsonSerializer.Deserialize<JobEvent>(message.Body.ToMemory().Span, ContractsJson.Strict)!;
        Assert.Equal(message.MessageId, jobEvent.EventId);
        return jobEvent;
    }
}
