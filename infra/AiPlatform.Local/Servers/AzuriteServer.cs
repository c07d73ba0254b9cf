using System.Globalization;
using AiPlatform.Hosting;
using AiPlatform.Local.Processes;

namespace AiPlatform.Local.Servers;

/// <summary>Azurite's blob service as a child process on 127.0.0.1; acknowledged blobs survive <c>kill -9</c>.</summary>
public sealed class AzuriteServer : ISupervised, IAsyncDisposable
{
    /// <summary>The account that every Azurite has, and the key that it has unless told otherwise, which is public (Azurite's documentation).</summary>
    private const string Account = "devstoreaccount1";
    private const string PublicKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly BoundedLog _log;
    private readonly string _key;
    private ChildProcess? _process;

    /// <param name="key">The account's key, base64.</param>
    internal AzuriteServer(string dataDirectory, int port, string? logFile = null, string key = PublicKey)
    {
        _key = key;
        DataDirectory = Path.GetFullPath(dataDirectory);
        Port = port == 0 ? TcpPorts.Free() : port;
        _log = new BoundedLog(logFile ?? DataDirectory + ".log");
    }

    /// <summary>Where its files are; the log is beside it.</summary>
    public string DataDirectory { get; }

    /// <summary>The TCP port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The process id; 0 when it is not running.</summary>
    public int ProcessId => _process?.Id ?? 0;

    /// <summary>An Azure Storage connection string (blob endpoint only).</summary>
    public string ConnectionString =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={_key};BlobEndpoint=http://127.0.0.1:{Port}/{Account};";

    string ISupervised.Name => "blob";

    ProcessIdentity? ISupervised.Identity => _process is { HasExited: false } process ? process.Identity : null;

    /// <summary>Starts the server and waits until it answers.</summary>
    /// <param name="dataDirectory">Created when missing.</param>
    /// <param name="port">A TCP port, or 0 for a free one.</param>
    /// <param name="cancellationToken">Ends the wait; the server is then stopped.</param>
    /// <exception cref="InvalidOperationException">Node.js is missing, or the server did not start; the message says what to do.</exception>
    public static async Task<AzuriteServer> StartAsync(string dataDirectory, int port, CancellationToken cancellationToken)
    {
        var server = new AzuriteServer(dataDirectory, port);
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
        await NodePackage.EnsureInstalledAsync(RepositoryFolders.Azurite, cancellationToken).ConfigureAwait(false);
        Directory.CreateDirectory(DataDirectory);
        await LaunchAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Kills the process without warning, as a crash would.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            Signals.Send(process.Id, Signals.Kill);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>A task that ends when the process ends.</summary>
    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process?.WaitForExitAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _log.Dispose();
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        var node = ExecutableSearch.Find("node")
            ?? throw new InvalidOperationException("node is missing. Install Node.js 20 or later (nodejs.org, or your distribution's package).");
        _process = await ChildProcess.StartAsync(
            new ChildCommand(
                node,
                [
                    Path.Combine(RepositoryFolders.Azurite, "blob-server.cjs"),
                    "--blobHost", "127.0.0.1",
                    "--blobPort", Port.ToString(CultureInfo.InvariantCulture),
                    "--location", DataDirectory,
                    "--silent",
                    "--skipApiVersionCheck",
                    "--disableTelemetry",
                ])
            {
                WorkingDirectory = DataDirectory,
                Environment = new Dictionary<string, string> { ["AZURITE_ACCOUNTS"] = $"{Account}:{_key}" },
            },
            _log,
            cancellationToken).ConfigureAwait(false);
        await Readiness.WaitForTcpAsync("Azurite", Port, _process, StartLimit, cancellationToken).ConfigureAwait(false);
    }

    private async Task StopAsync()
    {
        if (_process is { } process)
        {
            await process.StopAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(false);
            process.Dispose();
            _process = null;
        }
    }
}
