using System.Collections.Concurrent;
using System.Net.Sockets;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// The transport of an accepted connection. Holds the AMQP header and open back until the client has sent something: SDKs built
/// on rhea hang when these arrive in the same read as the SASL outcome. Counts what comes in without making a
/// message, so that a transfer that never ends cannot fill the memory, and what waits to go out.
/// </summary>
internal sealed class GuardedTransport : IAsyncTransport
{
    private const long MaxBytesWithoutMessage = 64 * 1024 * 1024;

    private const int IpprotoTcp = 6;
    private const int TcpQuickAck = 12;

    private static readonly TimeSpan MaxHold = TimeSpan.FromSeconds(2);
    private static readonly byte[] On = [1, 0, 0, 0];

    private readonly IAsyncTransport _inner;
    private readonly bool _isTrusted;
    private readonly ConnectionCounter _connections;
    private readonly Socket? _socket = OperatingSystem.IsLinux() ? ConnectionHandler.AcceptedSocket : null;
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<(ushort Channel, uint Handle), PendingAttach> _pending = new();
    private readonly FrameObserver _frames;
    private long _waiting;
    private int _isOpen;

    internal GuardedTransport(IAsyncTransport inner, bool isTrusted, ConnectionCounter connections)
    {
        (_inner, _isTrusted, _connections) = (inner, isTrusted, connections);
        _frames = new FrameObserver((channel, handle) =>
        {
            if (_pending.TryRemove((channel, handle), out var attach))
            {
                attach.Withdraw();
            }
        });
    }

    /// <summary>Bytes of messages that were handed to the connection and are not yet on the wire.</summary>
    internal long Waiting => Interlocked.Read(ref _waiting);

    /// <summary>Called when bytes have gone out.</summary>
    internal event Action? Sent;

    public void SetConnection(Connection connection)
    {
        _inner.SetConnection(connection);
        var state = ConnectionState.Of(connection);
        state.Transport = this;
        state.IsTrusted = _isTrusted;
        _connections.Opened();
        Interlocked.Exchange(ref _isOpen, 1);
    }

    public async Task SendAsync(IList<ByteBuffer> bufferList, int listSize)
    {
        if (!_heard.Task.IsCompleted)
        {
            await Task.WhenAny(_heard.Task, Task.Delay(MaxHold));
            _heard.TrySetResult();
        }

        await _inner.SendAsync(bufferList, listSize);
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
        var received = await _inner.ReceiveAsync(buffer, offset, count);
        _heard.TrySetResult();
        AcknowledgeAtOnce();
        _frames.OnReceived(buffer, offset, received);
        return _frames.TransferredBytes > MaxBytesWithoutMessage
            ? throw new AmqpException(ErrorCode.ResourceLimitExceeded, "The connection sends too much without completing a message.")
            : received;
    }

    public void Send(ByteBuffer buffer) => _inner.Send(buffer);

    public int Receive(byte[] buffer, int offset, int count) => _inner.Receive(buffer, offset, count);

    public void Close()
    {
        if (Interlocked.Exchange(ref _isOpen, 0) == 1)
        {
            _connections.Closed();
        }

        _inner.Close();
    }

    /// <summary>The flow that is being handled: asked on the connection's own thread, right after it came in.</summary>
    internal Flow? CurrentFlow => _frames.CurrentFlow;

    /// <summary>The link whose attach is being handled is answered later: asked on the connection's own thread, right after it came in.</summary>
    internal PendingAttach Postpone(AttachContext context)
    {
        var pending = new PendingAttach(context);
        var key = (_frames.CurrentChannel, context.Attach.Handle);
        _pending[key] = pending;
        context.Link.Closed += (_, _) => _pending.TryRemove(KeyValuePair.Create(key, pending));
        return pending;
    }

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
