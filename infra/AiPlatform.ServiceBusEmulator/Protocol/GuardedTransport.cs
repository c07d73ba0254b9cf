using System.Net.Sockets;
using Amqp;
using Amqp.Framing;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// The transport of an accepted connection. Holds the AMQP header and open back until the client has sent something: SDKs built
/// on rhea hang when these arrive in the same read as the SASL outcome. Counts what comes in without making a
/// message, so that a transfer that never ends cannot fill the memory, and what waits to go out.
/// </summary>
internal sealed class GuardedTransport(IAsyncTransport inner, bool isTrusted, ConnectionCounter connections) : IAsyncTransport
{
    private const long MaxBytesWithoutMessage = 64 * 1024 * 1024;

    private const int IpprotoTcp = 6;
    private const int TcpQuickAck = 12;

    private static readonly TimeSpan MaxHold = TimeSpan.FromSeconds(2);
    private static readonly byte[] On = [1, 0, 0, 0];

    private readonly Socket? _socket = OperatingSystem.IsLinux() ? ConnectionHandler.AcceptedSocket : null;
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FrameObserver _frames = new();
    private long _waiting;
    private int _isOpen;

    /// <summary>Bytes of messages that were handed to the connection and are not yet on the wire.</summary>
    internal long Waiting => Interlocked.Read(ref _waiting);

    /// <summary>Called when bytes have gone out.</summary>
    internal event Action? Sent;

    public void SetConnection(Connection connection)
    {
        inner.SetConnection(connection);
        var state = ConnectionState.Of(connection);
        state.Transport = this;
        state.IsTrusted = isTrusted;
        connections.Opened();
        Interlocked.Exchange(ref _isOpen, 1);
    }

    public async Task SendAsync(IList<ByteBuffer> bufferList, int listSize)
    {
        if (!_heard.Task.IsCompleted)
        {
            await Task.WhenAny(_heard.Task, Task.Delay(MaxHold));
            _heard.TrySetResult();
        }

        await inner.SendAsync(bufferList, listSize);
        if (Interlocked.Read(ref _waiting) > 0)
        {
            var left = Interlocked.Add(ref _waiting, -listSize);
            if (left < 0)
            {
                Interlocked.CompareExchange(ref _waiting, 0, left);
            }

            Sent?.Invoke();
        }
    }

    public async Task<int> ReceiveAsync(byte[] buffer, int offset, int count)
    {
        var received = await inner.ReceiveAsync(buffer, offset, count);
        _heard.TrySetResult();
        AcknowledgeAtOnce();
        _frames.OnReceived(buffer, offset, received);
        return _frames.TransferredBytes > MaxBytesWithoutMessage
            ? throw new AmqpException(ErrorCode.ResourceLimitExceeded, "The connection sends too much without completing a message.")
            : received;
    }

    public void Send(ByteBuffer buffer) => inner.Send(buffer);

    public int Receive(byte[] buffer, int offset, int count) => inner.Receive(buffer, offset, count);

    public void Close()
    {
        if (Interlocked.Exchange(ref _isOpen, 0) == 1)
        {
            connections.Closed();
        }

        inner.Close();
    }

    /// <summary>The flow that is being handled: asked on the connection's own thread, right after it came in.</summary>
    internal Flow? CurrentFlow => _frames.CurrentFlow;

    /// <summary>A message came in whole.</summary>
    internal void OnMessage() => _frames.ResetTransferred();

    /// <summary>A message was handed to the connection.</summary>
    internal void AddWaiting(int bytes) => Interlocked.Add(ref _waiting, bytes);

    // Clients that leave Nagle's algorithm on (the JavaScript SDK does) hold their next frame until the last one is acknowledged,
    // which the kernel delays by 40 ms. It forgets the wish, so it is told again.
    private void AcknowledgeAtOnce()
    {
        try
        {
            _socket?.SetRawSocketOption(IpprotoTcp, TcpQuickAck, On);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The connection is closing.
        }
    }
}
