using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Stands between a client and a server: cuts their connections at will, and notes what clients send.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly ConcurrentQueue<ConcurrentQueue<byte[]>> _recordings = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;
    private readonly bool _isRecording;
    private readonly Task _accepting;

    public TcpRelay(int target, bool isRecording = false, int port = 0)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _target = target;
        _isRecording = isRecording;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What clients sent, one array for each connection.</summary>
    public IReadOnlyList<byte[]> Recordings => [.. _recordings.Select(static recording => recording.SelectMany(static part => part).ToArray())];

    /// <summary>Resets every connection that is open, without a word to either side.</summary>
    public void Cut()
    {
        foreach (var socket in _open.Keys)
        {
            Reset(socket);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        Cut();
        _stop.Dispose();
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It ended by itself.
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The relay stops.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _open[client] = true;
        _open[server] = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            ConcurrentQueue<byte[]>? recording = null;
            if (_isRecording)
            {
                recording = new();
                _recordings.Enqueue(recording);
            }

            await Task.WhenAny(CopyAsync(client, server, recording), CopyAsync(server, client, null));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or IOException or InvalidOperationException)
        {
            // Nobody listens behind the relay, or the connection was cut.
        }
        finally
        {
            Reset(client);
            Reset(server);
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, ConcurrentQueue<byte[]>? recording)
    {
        try
        {
            var buffer = new byte[64 * 1024];
            int count;
            while ((count = await from.ReceiveAsync(buffer)) > 0)
            {
                recording?.Enqueue(buffer[..count]);
                for (var sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut, or ended by one of the two.
        }
    }
}
