using System.Globalization;
using AiPlatform.Hosting;
using Garnet;

namespace AiPlatform.Local.Servers;

/// <summary>
/// A Redis-compatible server in this process, on 127.0.0.1. It holds a cache and fans out events, so it keeps nothing on
/// disk: what it loses is read again from PostgreSQL.
/// </summary>
public sealed class GarnetServer : IDisposable
{
    private readonly global::Garnet.GarnetServer _server;
    private readonly string? _password;

    private GarnetServer(int port, string? password, global::Garnet.GarnetServer server)
    {
        Port = port;
        _password = password;
        _server = server;
    }

    /// <summary>The TCP port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>A StackExchange.Redis connection string.</summary>
    public string ConnectionString => $"127.0.0.1:{Port},abortConnect=false{(_password is null ? "" : $",password={_password}")}";

    /// <summary>Starts the server; it accepts connections when this returns.</summary>
    /// <param name="port">A TCP port, or 0 for a free one.</param>
    /// <param name="password">What clients must know; null: nothing.</param>
    public static GarnetServer Start(int port, string? password = null)
    {
        if (port == 0)
        {
            port = TcpPorts.Free();
        }

        var server = new global::Garnet.GarnetServer(
        [
            "--bind", "127.0.0.1",
            "--port", port.ToString(CultureInfo.InvariantCulture),
            "--memory", "32m",
            "--page", "1m",
            "--index", "1m",
            "--pubsub-pagesize", "64k",
            "--buffer-pool-memory-budget", "16m",
            "-q",
            "--logger-level", "Error",
            .. password is null ? (string[])[] : ["--auth", "Password", "--password", password],
        ]);
        server.Start();
        return new GarnetServer(port, password, server);
    }

    public void Dispose() => _server.Dispose();
}
