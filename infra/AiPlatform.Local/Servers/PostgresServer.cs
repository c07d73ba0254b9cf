using System.Diagnostics;
using System.Globalization;
using AiPlatform.Hosting;
using AiPlatform.Local.Processes;
using Npgsql;

namespace AiPlatform.Local.Servers;

/// <summary>
/// A PostgreSQL server of our own: own data directory, own port, on 127.0.0.1. PostgreSQL refuses to run as root, so
/// under root it runs as <c>postgres</c> (the account that the distribution's package creates).
/// </summary>
public sealed class PostgresServer : ISupervised, IAsyncDisposable
{
    /// <summary>The account that the server runs as under root.</summary>
    public const string ServiceAccount = "postgres";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan OrphanLimit = TimeSpan.FromSeconds(20);

    private static readonly string[] BinaryFolders =
        [.. Enumerable.Range(13, 10).Reverse().Select(version => $"/usr/lib/postgresql/{version}/bin"), "/usr/local/pgsql/bin"];

    private readonly string _binaries;
    private readonly BoundedLog _log;
    private readonly IReadOnlyDictionary<string, string> _settings;
    private ChildProcess? _process;

    internal PostgresServer(
        string dataDirectory, int port, string password, string? logFile = null, IReadOnlyDictionary<string, string>? settings = null)
    {
        _settings = settings ?? new Dictionary<string, string>();
        DataDirectory = Path.GetFullPath(dataDirectory);
        Port = port == 0 ? TcpPorts.Free() : port;
        Password = password;
        _binaries = FindBinaries();
        _log = new BoundedLog(logFile ?? DataDirectory + ".log");
    }

    /// <summary>Where the cluster's files are.</summary>
    public string DataDirectory { get; }

    /// <summary>The TCP port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The server's process id; 0 when it is not running.</summary>
    public int ProcessId => _process?.Id ?? 0;

    string ISupervised.Name => "postgres";

    ProcessIdentity? ISupervised.Identity => _process is { HasExited: false } process ? process.Identity : null;

    private string Password { get; }

    /// <summary>A connection string for one database of this server.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = "postgres",
        Password = Password,
        Database = database,

        // Whoever takes the port while the server starts again learns no password, and cannot prove that it knows it.
        RequireAuth = "ScramSHA256",
    }.ConnectionString;

    /// <summary>
    /// Initialises the cluster when <paramref name="dataDirectory"/> is empty, starts the server and waits until it answers.
    /// </summary>
    /// <param name="dataDirectory">Must be reachable for the service account when run as root.</param>
    /// <param name="port">A TCP port, or 0 for a free one.</param>
    /// <param name="password">The superuser's password, set when the cluster is initialised.</param>
    /// <param name="cancellationToken">Ends the wait; the server is then stopped.</param>
    /// <exception cref="InvalidOperationException">The binaries are missing, or the server did not start; the message says what to do.</exception>
    public static Task<PostgresServer> StartAsync(string dataDirectory, int port, string password, CancellationToken cancellationToken)
        => StartAsync(dataDirectory, port, password, new Dictionary<string, string>(), cancellationToken);

    /// <summary>The same with further settings of the server, which override its own.</summary>
    internal static async Task<PostgresServer> StartAsync(
        string dataDirectory, int port, string password, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var server = new PostgresServer(dataDirectory, port, password, settings: settings);
        try
        {
            await server.RestartAsync(cancellationToken).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Starts the server again after it ended, on the same port and data.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync().ConfigureAwait(false);
        await InitialiseAsync(cancellationToken).ConfigureAwait(false);
        await LaunchAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Kills the server without warning, as a crash would.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            Signals.Send(process.Id, Signals.Kill);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>A task that ends when the server's process ends.</summary>
    public Task WaitForExitAsync(CancellationToken cancellationToken)
        => _process?.WaitForExitAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Fast shutdown: open transactions are rolled back, committed data is flushed.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _log.Dispose();
    }

    private static string FindBinaries()
        => BinaryFolders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")))
            ?? throw new InvalidOperationException("PostgreSQL server binaries are missing. Install them with: apt-get install postgresql");

    private async Task InitialiseAsync(CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(DataDirectory, "PG_VERSION")))
        {
            return;
        }

        Directory.CreateDirectory(DataDirectory);
        var passwordFile = Path.Combine(Path.GetTempPath(), $"aip-{Guid.NewGuid():N}");
        await File.WriteAllTextAsync(passwordFile, Password, cancellationToken).ConfigureAwait(false);
        try
        {
            if (Environment.IsPrivilegedProcess)
            {
                await RunAsync("chown", ["-R", ServiceAccount, DataDirectory, passwordFile], asService: false, cancellationToken).ConfigureAwait(false);
            }

            await RunAsync(
                Path.Combine(_binaries, "initdb"),
                [
                    "-D", DataDirectory, "-U", "postgres", "-A", "scram-sha-256", $"--pwfile={passwordFile}", "-E", "UTF8", "--locale=C.UTF-8",
                    .. _settings.GetValueOrDefault("fsync") == "off" ? (string[])["--no-sync"] : [],
                ],
                asService: true,
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        await EndOrphanAsync(cancellationToken).ConfigureAwait(false);
        var waited = Stopwatch.StartNew();
        while (true)
        {
            _process?.Dispose();
            _process = await ChildProcess.StartAsync(ServerCommand(), _log, cancellationToken).ConfigureAwait(false);
            if (await IsReadyAsync(_process, waited, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            // After kill -9 of the server its backends hold the shared memory for a moment, and a start fails until they end.
            if (waited.Elapsed > OrphanLimit)
            {
                throw new InvalidOperationException($"PostgreSQL stopped while starting; see {_log.Path}\n{_log.Tail}");
            }

            await Task.Delay(200, cancellationToken).ConfigureAwait(false);
        }
    }

    private ChildCommand ServerCommand() => new(
        Path.Combine(_binaries, "postgres"),
        [
            "-D", DataDirectory,
            "-h", "127.0.0.1",
            "-p", Port.ToString(CultureInfo.InvariantCulture),
            "-c", "unix_socket_directories=",
            "-c", "max_connections=200",
            "-c", "shared_buffers=128MB",
            "-c", "autovacuum_naptime=5s",
            "-c", "autovacuum_vacuum_cost_delay=0",
            "-c", "autovacuum_vacuum_scale_factor=0.05",
            "-c", "log_min_messages=warning",
            .. _settings.SelectMany(static setting => (string[])["-c", $"{setting.Key}={setting.Value}"]),
        ])
    {
        Account = ServiceAccount,
        StopSignal = Signals.Interrupt, // fast shutdown
        ParentDeathSignal = "INT",
    };

    // After kill -9 of the platform the server may still run, or its lock file may name a process id that now belongs to
    // somebody else, with which PostgreSQL would refuse to start. A server of this very cluster is ended; a stale file goes.
    private async Task EndOrphanAsync(CancellationToken cancellationToken)
    {
        var lockFile = Path.Combine(DataDirectory, "postmaster.pid");
        if (!File.Exists(lockFile))
        {
            return;
        }

        var line = File.ReadLines(lockFile).FirstOrDefault();
        if (!int.TryParse(line, CultureInfo.InvariantCulture, out var id) || !IsServerOfThisCluster(id))
        {
            File.Delete(lockFile);
            return;
        }

        Signals.Send(id, Signals.Interrupt);
        var waited = Stopwatch.StartNew();
        while (IsServerOfThisCluster(id))
        {
            if (waited.Elapsed > OrphanLimit)
            {
                throw new InvalidOperationException($"Another PostgreSQL (process {id}) uses {DataDirectory} and does not stop. End it and start again.");
            }

            await Task.Delay(50, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool IsServerOfThisCluster(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Split('\0').Contains(DataDirectory, StringComparer.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>True when the server answers, false when it ended first.</summary>
    private async Task<bool> IsReadyAsync(ChildProcess process, Stopwatch waited, CancellationToken cancellationToken)
    {
        while (!process.HasExited)
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false;Timeout=5");
                await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (NpgsqlException) when (waited.Elapsed < StartLimit)
            {
                await Task.Delay(50, cancellationToken).ConfigureAwait(false);
            }
        }

        return false;
    }

    private async Task StopAsync()
    {
        if (_process is { } process)
        {
            await process.StopAsync(TimeSpan.FromSeconds(20)).ConfigureAwait(false);
            process.Dispose();
            _process = null;
        }
    }

    private async Task RunAsync(string file, string[] arguments, bool asService, CancellationToken cancellationToken)
    {
        using var process = await ChildProcess.StartAsync(
            new ChildCommand(file, arguments) { Account = asService ? ServiceAccount : null },
            _log,
            cancellationToken).ConfigureAwait(false);
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{Path.GetFileName(file)} failed; see {_log.Path}\n{_log.Tail}");
        }
    }
}
