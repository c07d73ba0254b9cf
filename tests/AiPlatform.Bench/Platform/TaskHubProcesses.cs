using System.Diagnostics;
using AiPlatform.Hosting;
using AiPlatform.Hosting.TaskHubs;
using AiPlatform.Local.Servers;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Grpc;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace AiPlatform.Bench.Platform;

/// <summary>PostgreSQL, a hub and a worker, each a process of its own, and a client in this one.</summary>
internal sealed class TaskHubProcesses : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"aip-bench-hub-{Guid.NewGuid():N}")).FullName;
    private readonly List<Process> _processes = [];
    private const string AccessKey = "the-key-of-the-bench-hub";

    private readonly int _grpcPort = TcpPorts.Free();
    private readonly int _httpPort = TcpPorts.Free();
    private PostgresServer _postgres = null!;
    private TaskHubConnection _connection = null!;

    public DurableTaskClient Client { get; private set; } = null!;

    /// <summary>Resident bytes of the hub.</summary>
    public long HubMemory => ProcFileSystem.Memory(_processes[0].Id).Rss;

    private string Database => _postgres.ConnectionString("taskhub");

    public static async Task<TaskHubProcesses> StartAsync(CancellationToken cancellationToken)
    {
        var processes = new TaskHubProcesses();
        await processes.LaunchAsync(cancellationToken);
        return processes;
    }

    /// <summary>Seconds of processor time so far: hub, worker, PostgreSQL, this process.</summary>
    public (double Hub, double Worker, double Postgres, double Client) Processor()
    {
        static double Of(int id) => Process.GetProcessById(id) is var process ? process.TotalProcessorTime.TotalSeconds : 0;
        return (Of(_processes[0].Id), Of(_processes[1].Id), ProcFileSystem.Tree(_postgres.ProcessId).Sum(Of), Of(Environment.ProcessId));
    }

    /// <summary>Makes every transaction that writes to the log take two milliseconds longer, as a slower disk would.</summary>
    public async Task SlowCommitsAsync(CancellationToken cancellationToken)
        => await ExecuteAsync(
            "CREATE FUNCTION slow_disk() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NULL; END'; "
            + "CREATE TRIGGER slow_disk AFTER INSERT ON log FOR EACH STATEMENT EXECUTE FUNCTION slow_disk()",
            cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _connection.Dispose();
        foreach (var process in _processes)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        await _postgres.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        _postgres = await PostgresServer.StartAsync(Path.Combine(_directory, "postgres"), 0, "bench", cancellationToken);
        var connection = $"Endpoint=http://127.0.0.1:{_grpcPort};TaskHub=default;Authentication=AccessKey;AccessKey={AccessKey}";
        Start("AiPlatform.TaskHub.dll", $"--TaskHub:GrpcPort={_grpcPort}", $"--TaskHub:HttpPort={_httpPort}", $"--TaskHub:BearerToken={AccessKey}", $"--ConnectionStrings:Postgres={Database}", "--Logging:LogLevel:Default=Warning");
        using var http = new HttpClient();
        while (true)
        {
            try
            {
                using var ready = await http.GetAsync($"http://127.0.0.1:{_httpPort}/health/ready", cancellationToken);
                if (ready.IsSuccessStatusCode)
                {
                    break;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(50, cancellationToken);
        }

        Start("AiPlatform.Bench.dll", "taskHubWorker", connection);
        _connection = new TaskHubConnection(connection, TimeProvider.System);
        Client = new GrpcDurableTaskClient(string.Empty, new GrpcDurableTaskClientOptions { Channel = _connection.Channel }, NullLogger.Instance);
    }

    private void Start(string assembly, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, assembly), .. arguments]) { UseShellExecute = false };
        _processes.Add(Process.Start(start) ?? throw new InvalidOperationException($"{assembly} did not start."));
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(Database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
