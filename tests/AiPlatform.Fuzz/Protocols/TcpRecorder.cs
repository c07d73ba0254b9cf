using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace AiPlatform.Fuzz.Protocols;

/// <summary>Stands between clients and a server, and keeps what each connection of a client said.</summary>
internal sealed class TcpRecorder : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentQueue<MemoryStream> _recordings = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;
    private readonly Task _accepting;

    /// <param name="target">The server's port.</param>
    public TcpRecorder(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect to.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What was said so far, one array a connection.</summary>
    public IReadOnlyList<byte[]> Recordings
    {
        get
        {
            return
            [
                .. _recordings.Select(static recording =>
                {
                    lock (recording)
                    {
                        return recording.ToArray();
                    }
                }),
            ];
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // It stops.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                var recording = new MemoryStream();
                _recordings.Enqueue(recording);
                await Task.WhenAny(CopyAsync(client, server, recording), CopyAsync(server, client, null));
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
            {
                // One of the two has ended.
            }
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, MemoryStream? recording)
    {
        try
        {
            var buffer = new byte[64 * 1024];
            int count;
            while ((count = await from.GetStream().ReadAsync(buffer, _stop.Token)) > 0)
            {
                if (recording is not null)
                {
                    lock (recording)
                    {
                        recording.Write(buffer, 0, count);
                    }
                }

                await to.GetStream().WriteAsync(buffer.AsMemory(0, count), _stop.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or InvalidOperationException)
        {
            // One of the two has ended.
        }
    }
}
