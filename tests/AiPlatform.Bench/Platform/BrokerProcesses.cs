using System.Diagnostics;
using AiPlatform.Hosting;
using AiPlatform.Local.Servers;
using Azure.Messaging.ServiceBus;
using Npgsql;

namespace AiPlatform.Bench.Platform;

/// <summary>PostgreSQL and a broker, each a process of its own, and a client in this one.</summary>
internal sealed class BrokerProcesses : IAsyncDisposable
{
    public const string Queue = "bench";

    private const string Key = "YmVuY2gta2V5LW9mLXRoZS1icm9rZXI=";

    private readonly string _directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"aip-bench-bus-{Guid.NewGuid():N}")).FullName;
    private readonly int _amqpPort = TcpPorts.Free();
    private readonly int _httpPort = TcpPorts.Free();
    private PostgresServer _postgres = null!;
    private Process? _broker;

    public ServiceBusClient Client { get; private set; } = null!;

    /// <summary>Resident bytes of the broker.</summary>
    public long BrokerMemory => ProcFileSystem.Memory(_broker!.Id).Rss;

    public static async Task<BrokerProcesses> StartAsync(CancellationToken cancellationToken)
    {
        var processes = new BrokerProcesses();
        await processes.LaunchAsync(cancellationToken);
        return processes;
    }

    /// <summary>Seconds of processor time so far: broker, PostgreSQL, this process.</summary>
    public (double Broker, double Postgres, double Client) Processor()
    {
        static double Of(int id) => Process.GetProcessById(id) is var process ? process.TotalProcessorTime.TotalSeconds : 0;
        return (Of(_broker!.Id), ProcFileSystem.Tree(_postgres.ProcessId).Sum(Of), Of(Environment.ProcessId));
    }

    /// <summary>
    /// Adds two milliseconds to every flush of the log, as a slower disk would: PostgreSQL's own <c>commit_delay</c>, with
    /// <c>commit_siblings</c> at 0 so that it holds for a lone commit too.
    /// </summary>
    public async Task SlowCommitsAsync(CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(_postgres.ConnectionString("postgres"));
        foreach (var statement in (string[])["ALTER SYSTEM SET commit_delay = 2000", "ALTER SYSTEM SET commit_siblings = 0", "SELECT pg_reload_conf()"])
        {
            await using var command = source.CreateCommand(statement);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Milliseconds that a transaction of one small row takes, on average over a hundred.</summary>
    public async Task<double> CommitMillisecondsAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(_postgres.ConnectionString("postgres"));
        await connection.OpenAsync(cancellationToken);
        await using var create = new NpgsqlCommand("CREATE TABLE IF NOT EXISTS probe (id int)", connection);
        await create.ExecuteNonQueryAsync(cancellationToken);
        await using var insert = new NpgsqlCommand("INSERT INTO probe VALUES (1)", connection);
        var clock = Stopwatch.StartNew();
        for (var commit = 0; commit < 100; commit++)
        {
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        return Math.Round(clock.Elapsed.TotalMilliseconds / 100, 2);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        if (_broker is { } broker)
        {
            broker.Kill();
            await broker.WaitForExitAsync();
            broker.Dispose();
        }

        await _postgres.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        _postgres = await PostgresServer.StartAsync(Path.Combine(_directory, "postgres"), 0, "bench", cancellationToken);
        string[] settings =
        [
            $"--ConnectionStrings:Postgres={_postgres.ConnectionString("servicebus")}",
            $"--ServiceBus:AmqpPort={_amqpPort}",
            $"--ServiceBus:HttpPort={_httpPort}",
            $"--ServiceBus:SharedAccessKey={Key}",
            $"--ServiceBus:Queues:0={Queue}",
            "--Logging:LogLevel:Default=Warning",
            "--Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks=None",
        ];
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "AiPlatform.ServiceBusEmulator.dll"), .. settings]) { UseShellExecute = false };
        _broker = Process.Start(start) ?? throw new InvalidOperationException("The broker did not start.");
        using var http = new HttpClient();
        while (!await IsReadyAsync(http, cancellationToken))
        {
            await Task.Delay(50, cancellationToken);
        }

        Client = new ServiceBusClient(
            $"Endpoint=sb://127.0.0.1:{_amqpPort};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={Key};UseDevelopmentEmulator=true");
    }

    private async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var ready = await http.GetAsync($"http://127.0.0.1:{_httpPort}/health/ready", cancellationToken);
            return ready.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
