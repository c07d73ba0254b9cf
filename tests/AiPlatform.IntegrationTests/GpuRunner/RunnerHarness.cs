using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Report;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>A runner in this process that takes nodes from a list and runs real rank processes.</summary>
internal sealed class RunnerHarness : IAsyncDisposable
{
    // Only a failure takes so long.
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private readonly MemoryQueue _queue = new();
    private WebApplication? _app;

    private RunnerHarness(ScriptedPlatform platform, string directory)
    {
        Platform = platform;
        DataDirectory = directory;
    }

    public ScriptedPlatform Platform { get; }

    /// <summary>Of its own, because the processes of a node are found by it.</summary>
    public string JobId { get; } = Guid.CreateVersion7().ToString("N");

    public string DataDirectory { get; }

    public IServiceProvider Services => _app!.Services;

    public int Completed => _queue.Completed;

    public int Abandoned => _queue.Abandoned;

    public string NodeDirectory(int attempt = 1) => Path.Combine(DataDirectory, "nodes", $"{JobId}-{attempt}-0");

    public static async Task<RunnerHarness> StartAsync(params string[] settings)
    {
        var harness = new RunnerHarness(await ScriptedPlatform.StartAsync(), Directory.CreateTempSubdirectory("aip-runner-").FullName);
        try
        {
            await harness.StartRunnerAsync(settings);
            return harness;
        }
        catch
        {
            await harness.DisposeAsync();
            throw;
        }
    }

    public async Task StartRunnerAsync(params string[] settings)
    {
        string[] args =
        [
            $"--Runner:DataDirectory={DataDirectory}", $"--Runner:ApiUrl={Platform.Url}", "--Runner:ClientSecret=secret", "--Runner:HttpPort=0",
            "--Runner:KillGrace=00:00:01", "--Runner:SystemMetricsInterval=00:00:00", "--Runner:LogInterval=00:00:00.1", "--Logging:LogLevel:Default=Critical", .. settings,
        ];
        _app = GpuRunnerApp.Build(args, services =>
        {
            services.AddSingleton<INodeQueue>(_queue);
            services.AddSingleton<IJobEventSink>(new ListSink(Platform.Events));
        });
        await _app.StartAsync();
    }

    public async Task StopRunnerAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
            _app = null;
        }
    }

    public string Url => _app!.Urls.First();

    /// <summary>Submits a job that runs this Python code.</summary>
    public void Submit(string code, int ranks = 1, int timeoutSeconds = 600, int attempt = 1, string parameters = "{}", int gpus = 0, Action<Builder>? configure = null)
    {
        var assignment = new Builder(new NodeAssignment(
            JobId, "run1", "project1", attempt, 0,
            new JobSpec(
                null, new JobCode("main.py", new Dictionary<string, string> { ["main.py"] = code }), JsonDocument.Parse(parameters).RootElement, [],
                new JobResources(1, ranks, gpus), new JobRetry(), timeoutSeconds, [], null),
            [], null, "token", 900));
        configure?.Invoke(assignment);
        Platform.Assignments[JobId] = assignment.Assignment;
        Offer(attempt);
    }

    public void Offer(int attempt = 1, int node = 0) => _queue.Offered.Enqueue(new NodeMessage(JobId, attempt, node, 1, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));

    public async Task<JobEvent> EndAsync(int attempt = 1, JobEventKind? kind = null)
    {
        JobEvent? found = null;
        await UntilAsync(() => (found = Platform.Events.FirstOrDefault(e =>
            e.Attempt == attempt && e.Kind != JobEventKind.Started && (kind is null || e.Kind == kind))) is not null, () => $"no end; log: {Log(attempt: attempt)}");
        return found!;
    }

    public string Log(int rank = 0, int attempt = 1) => Platform.LogText(JobId, attempt, rank);

    public static async Task UntilAsync(Func<bool> condition, Func<string>? describe = null)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (!condition())
        {
            if (deadline.IsCancellationRequested)
            {
                Assert.Fail(describe?.Invoke() ?? "The deadline passed.");
            }

            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopRunnerAsync();
        await Platform.DisposeAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }

    internal sealed class Builder(NodeAssignment assignment)
    {
        public NodeAssignment Assignment { get; set; } = assignment;
    }

    internal sealed class ListSink(ConcurrentQueue<JobEvent> events) : IJobEventSink
    {
        public Task SendAsync(JobEvent jobEvent, CancellationToken cancellationToken)
        {
            events.Enqueue(jobEvent);
            return Task.CompletedTask;
        }
    }

    internal sealed class MemoryQueue : INodeQueue
    {
        public ConcurrentQueue<NodeMessage> Offered { get; } = new();

        public int Completed;

        public int Abandoned;

        public Task<INodeLease?> TryReceiveAsync(CancellationToken cancellationToken)
            => Task.FromResult<INodeLease?>(Offered.TryDequeue(out var message) ? new Lease(this, message) : null);

        private sealed class Lease(MemoryQueue queue, NodeMessage message) : INodeLease
        {
            public NodeMessage Message => message;

            public Task CompleteAsync(CancellationToken cancellationToken)
            {
                Interlocked.Increment(ref queue.Completed);
                return Task.CompletedTask;
            }

            public Task AbandonAsync(CancellationToken cancellationToken)
            {
                Interlocked.Increment(ref queue.Abandoned);
                return Task.CompletedTask;
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
