using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using AiPlatform.Hosting;
using AiPlatform.Hosting.TaskHubs;
using AiPlatform.TaskHub;
using AiPlatform.TaskHub.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.DurableTask;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Grpc;
using Microsoft.DurableTask.Worker;
using Microsoft.DurableTask.Worker.Grpc.Internal;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>A task hub on a database, in this process or in one of its own, with clients and workers that connect to it.</summary>
internal sealed class HubHarness(string connectionString) : IAsyncDisposable
{
    private const int MaxSaid = 200;

    private readonly List<IHost> _workers = [];
    private readonly List<TaskHubConnection> _connections = [];
    private readonly ErrorLog _errors = new();
    private WebApplication? _app;
    private Process? _process;

    /// <summary>What every hub of the tests demands, for its calls and its reports.</summary>
    public const string AccessKey = "the-key-of-all-test-hubs";

    public int GrpcPort { get; } = TcpPorts.Free();

    public int HttpPort { get; } = TcpPorts.Free();

    /// <summary>The engine of the hub in this process.</summary>
    public HubEngine Engine => _app!.Services.GetRequiredService<EngineHost>().Engine!;

    /// <summary>What the hub of this process has logged as errors.</summary>
    public IReadOnlyCollection<string> Errors => _errors.Lines;

    /// <summary>The connection of <see cref="Client"/>.</summary>
    public TaskHubConnection Connection => field ??= Connect("default");

    public DurableTaskClient Client => field ??= CreateClient(Connection);

    public string SchedulerConnectionString(string hub) => $"Endpoint=http://127.0.0.1:{GrpcPort};TaskHub={hub};Authentication=AccessKey;AccessKey={AccessKey}";

    public static async Task<HubHarness> StartAsync(string connectionString, params string[] arguments)
    {
        var harness = new HubHarness(connectionString);
        await harness.StartHubAsync(arguments);
        return harness;
    }

    /// <summary>Starts the hub in this process.</summary>
    public Task StartHubAsync(params string[] arguments) => StartHubAsync(null, arguments);

    /// <summary>Starts the hub in this process, and waits no longer than so for it to be ready.</summary>
    public async Task StartHubAsync(TimeSpan? patience, params string[] arguments)
    {
        _app = TaskHubApp.Build([.. Arguments(), .. arguments]);
        _app.Services.GetRequiredService<ILoggerFactory>().AddProvider(_errors);
        await _app.StartAsync();
        await ReadyAsync(patience);
    }

    /// <summary>Stops the hub of this process in good order.</summary>
    public async Task StopHubAsync()
    {
        await _app!.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    /// <summary>Starts the hub in a process of its own.</summary>
    public async Task StartProcessAsync()
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "AiPlatform.TaskHub.dll"));
        foreach (var argument in Arguments())
        {
            start.ArgumentList.Add(argument);
        }

        var said = new ConcurrentQueue<string>();
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Keep(said, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(said, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.TrueAsync(
            async () => _process.HasExited ? throw new InvalidOperationException($"The hub ended with {_process.ExitCode}: {string.Join('\n', said)}") : await StatusAsync("/health/ready") == HttpStatusCode.OK,
            "the task hub is ready",
            TimeSpan.FromMinutes(3));
    }

    private static void Keep(ConcurrentQueue<string> said, string? line)
    {
        if (line is not null && said.Count < MaxSaid)
        {
            said.Enqueue(line);
        }
    }

    /// <summary>Ends the hub's process as a power failure would.</summary>
    public async Task KillProcessAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async Task<string> GetAsync(string path)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", AccessKey);
        return await http.GetStringAsync($"http://127.0.0.1:{HttpPort}{path}");
    }

    public async Task<HttpStatusCode> StatusAsync(string path)
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync($"http://127.0.0.1:{HttpPort}{path}");
        return response.StatusCode;
    }

    public async Task ReadyAsync(TimeSpan? patience = null)
        => await Eventually.TrueAsync(async () => await StatusAsync("/health/ready") == HttpStatusCode.OK, "the task hub is ready", patience ?? TimeSpan.FromMinutes(3));

    public DurableTaskClient CreateClient(string hub) => CreateClient(Connect(hub));

    /// <summary>Starts a worker in this process.</summary>
    /// <param name="filters">Whether it says what it knows, so that other work is left to other workers.</param>
    public async Task<IHost> StartWorkerAsync(
        Action<DurableTaskRegistry> tasks, Action<DurableTaskWorkerOptions>? configure = null, string hub = "default", bool filters = false)
    {
        var host = BuildWorker(SchedulerConnectionString(hub), tasks, configure, filters);
        await host.StartAsync();
        _workers.Add(host);
        return host;
    }

    /// <summary>Microsoft's worker as the platform uses it, and entities.</summary>
    public static IHost BuildWorker(
        string connectionString, Action<DurableTaskRegistry> tasks, Action<DurableTaskWorkerOptions>? configure = null, bool filters = false)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(_ => new TaskHubConnection(connectionString, TimeProvider.System, TaskHubConnection.NewWorkerId()));
        builder.Services.AddDurableTaskWorker(worker =>
        {
            worker.AddTasks(tasks).Configure(options => options.EnableEntitySupport = true).Configure(configure ?? (_ => { }));
            worker.UseGrpc(options => options.ConfigureForAzureManaged());
            if (filters)
            {
                worker.UseWorkItemFilters();
            }
        });
        builder.Services.AddOptions<Microsoft.DurableTask.Worker.Grpc.GrpcDurableTaskWorkerOptions>().Configure<TaskHubConnection>(
            (options, hub) => options.CallInvoker = hub.Channel.Intercept(new TaskHubWorkerLink(TimeProvider.System)));
        return builder.Build();
    }

    /// <summary>The history of an instance's current execution.</summary>
    public Task<IReadOnlyList<HistoryEntry>> HistoryAsync(string instanceId) => HistoryEntry.ReadAsync(Connection, instanceId, CancellationToken.None);

    /// <summary>Repeats a call while the hub is away.</summary>
    public static async Task<T> PersistAsync<T>(Func<Task<T>> call)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            try
            {
                return await call();
            }
            catch (RpcException exception) when (!patience.IsCancellationRequested
                && exception.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Unknown)
            {
                await Task.Delay(50);
            }
        }
    }

    /// <summary>Starts an orchestration and waits for its end.</summary>
    public async Task<OrchestrationMetadata> RunAsync(TaskName name, object? input = null)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        return await EndAsync(await Client.ScheduleNewOrchestrationInstanceAsync(name, input, deadline.Token));
    }

    /// <summary>Waits for the end of an instance, also of one whose hub is away for a while.</summary>
    public async Task<OrchestrationMetadata> EndAsync(string instanceId)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        return await PersistAsync(() => Client.WaitForInstanceCompletionAsync(instanceId, true, deadline.Token));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.StopAsync();
            worker.Dispose();
        }

        _connections.ForEach(static connection => connection.Dispose());

        if (_app is not null)
        {
            await StopHubAsync();
        }

        if (_process is not null)
        {
            await KillProcessAsync();
        }
    }

    private static GrpcDurableTaskClient CreateClient(TaskHubConnection connection) => new(
        string.Empty, new GrpcDurableTaskClientOptions { Channel = connection.Channel, EnableEntitySupport = true }, NullLogger.Instance);

    private TaskHubConnection Connect(string hub)
    {
        var connection = new TaskHubConnection(SchedulerConnectionString(hub), TimeProvider.System);
        _connections.Add(connection);
        return connection;
    }

    private string[] Arguments() =>
    [
        $"--TaskHub:GrpcPort={GrpcPort}", $"--TaskHub:HttpPort={HttpPort}", $"--ConnectionStrings:Postgres={connectionString}",
        $"--TaskHub:BearerToken={AccessKey}", $"--Metrics:Token={AccessKey}", "--TaskHub:ActivityLeaseGrace=00:00:00.500", "--Logging:LogLevel:Default=Warning",
    ];
}
