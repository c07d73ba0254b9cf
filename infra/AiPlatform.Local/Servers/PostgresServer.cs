using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using AiPlatform.Hosting;
using Npgsql;

namespace AiPlatform.Local.Servers;

/// <summary>
/// A PostgreSQL server of our own: own data directory, own port, on 127.0.0.1. PostgreSQL refuses to run as root, so
/// under root it runs as <c>postgres</c> (the account that the distribution's package creates).
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string ServiceAccount = "postgres";

    private static readonly string[] BinaryFolders =
        [.. Enumerable.Range(13, 10).Reverse().Select(version => $"/usr/lib/postgresql/{version}/bin"), "/usr/local/pgsql/bin"];

    private readonly string _binaries;
    private Process? _process;

    private PostgresServer(string dataDirectory, int port, string password)
    {
        DataDirectory = dataDirectory;
        Port = port;
        Password = password;
        _binaries = FindBinaries();
    }

    /// <summary>Where the cluster's files are.</summary>
    public string DataDirectory { get; }

    /// <summary>The TCP port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The server's process id; 0 when it is not running.</summary>
    public int ProcessId => _process is { HasExited: false } process ? process.Id : 0;

    private string Password { get; }

    /// <summary>A connection string for one database of this server.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = "postgres",
        Password = Password,
        Database = database,
    }.ConnectionString;

    /// <summary>
    /// Initialises the cluster when <paramref name="dataDirectory"/> is empty, starts the server and waits until it answers.
    /// </summary>
    /// <param name="dataDirectory">Must be reachable for the service account when run as root.</param>
    /// <param name="port">A TCP port, or 0 for a free one.</param>
    /// <param name="password">The superuser's password, set when the cluster is initialised.</param>
    /// <param name="cancellationToken">Ends the wait; the server is then stopped.</param>
    /// <exception cref="InvalidOperationException">The binaries are missing, or the server did not start; the message says what to do.</exception>
    public static async Task<PostgresServer> StartAsync(string dataDirectory, int port, string password, CancellationToken cancellationToken)
    {
        var server = new PostgresServer(Path.GetFullPath(dataDirectory), port == 0 ? FreePort() : port, password);
        try
        {
            await server.InitialiseAsync(cancellationToken).ConfigureAwait(false);
            server.Launch();
            await server.WaitUntilReadyAsync(cancellationToken).ConfigureAwait(false);
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
        Launch();
        await WaitUntilReadyAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A task that ends when the server's process ends.</summary>
    public Task WaitForExitAsync(CancellationToken cancellationToken)
        => _process?.WaitForExitAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Fast shutdown: open transactions are rolled back, committed data is flushed.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _process?.Dispose();
        _process = null;
    }

    private static string FindBinaries()
        => BinaryFolders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")))
            ?? throw new InvalidOperationException("PostgreSQL server binaries are missing. Install them with: apt-get install postgresql");

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

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
                ["-D", DataDirectory, "-U", "postgres", "-A", "scram-sha-256", $"--pwfile={passwordFile}", "-E", "UTF8", "--locale=C.UTF-8"],
                asService: true,
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    private void Launch()
    {
        RemoveStaleLock();
        var start = Command(
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
            ],
            asService: true);
        _process = Process.Start(start) ?? throw new InvalidOperationException("PostgreSQL did not start.");
        _ = DrainAsync(_process.StandardOutput, null);
        _ = DrainAsync(_process.StandardError, Path.Combine(Path.GetDirectoryName(DataDirectory)!, "postgres.log"));
    }

    // After kill -9 of the whole platform the lock file may name a process id that now belongs to somebody else, and
    // PostgreSQL would refuse to start. Only a file whose process is gone or is no postgres of this cluster is removed.
    private void RemoveStaleLock()
    {
        var lockFile = Path.Combine(DataDirectory, "postmaster.pid");
        if (!File.Exists(lockFile))
        {
            return;
        }

        var owner = File.ReadLines(lockFile).FirstOrDefault();
        var commandLine = $"/proc/{owner}/cmdline";
        if (!File.Exists(commandLine) || !File.ReadAllText(commandLine).Contains(DataDirectory, StringComparison.Ordinal))
        {
            File.Delete(lockFile);
        }
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false;Timeout=5");
                await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (NpgsqlException exception) when (deadline.Elapsed < TimeSpan.FromSeconds(60))
            {
                if (_process is null or { HasExited: true })
                {
                    throw new InvalidOperationException($"PostgreSQL stopped while starting; see postgres.log beside {DataDirectory}.", exception);
                }

                await Task.Delay(50, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task StopAsync()
    {
        if (_process is not { HasExited: false } process)
        {
            return;
        }

        // SIGINT is PostgreSQL's fast shutdown.
        await RunAsync("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)], asService: false, CancellationToken.None).ConfigureAwait(false);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static async Task RunAsync(string file, string[] arguments, bool asService, CancellationToken cancellationToken)
    {
        using var process = Process.Start(Command(file, arguments, asService)) ?? throw new InvalidOperationException($"{file} did not start.");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        _ = await output.ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{Path.GetFileName(file)} failed: {await error.ConfigureAwait(false)}");
        }
    }

    // setpriv replaces itself by the server, so the process id that we hold is the server's own.
    private static ProcessStartInfo Command(string file, string[] arguments, bool asService)
    {
        var start = new ProcessStartInfo { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" };
        if (asService && Environment.IsPrivilegedProcess)
        {
            start.FileName = "setpriv";
            foreach (var argument in (string[])["--reuid", ServiceAccount, "--regid", ServiceAccount, "--init-groups", "--", file, .. arguments])
            {
                start.ArgumentList.Add(argument);
            }
        }
        else
        {
            start.FileName = file;
            foreach (var argument in arguments)
            {
                start.ArgumentList.Add(argument);
            }
        }

        return start;
    }

    private static async Task DrainAsync(StreamReader reader, string? file)
    {
        await using var log = file is null ? null : new StreamWriter(file, append: true) { AutoFlush = true };
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            if (log is not null)
            {
                await log.WriteLineAsync(line).ConfigureAwait(false);
            }
        }
    }
}
