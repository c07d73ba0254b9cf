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

    private const int HandleField = 4;
    private const int IpprotoTcp = 6;
    private const int TcpQuickAck = 12;

    private static readonly TimeSpan MaxHold = TimeSpan.FromSeconds(2);

    // What follows a frame that cannot be taken cannot be read, the peer's own close included: it gets the time to read why.
    private static readonly TimeSpan FarewellTime = TimeSpan.FromMilliseconds(500);
    private static readonly byte[] On = [1, 0, 0, 0];

    private readonly IAsyncTransport _inner;
    private readonly bool _isTrusted;
    private readonly ConnectionCounter _connections;
    private readonly Socket? _socket = OperatingSystem.IsLinux() ? ConnectionHandler.AcceptedSocket : null;
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<(ushort Channel, uint Handle), PendingAttach> _pending = new();
    private readonly ConcurrentDictionary<(ushort Channel, uint Handle), IFlowReceiver> _receivers = new();
    private readonly FrameObserver _frames;
    private readonly ChannelOrder _order = new();
    private Connection? _connection;
    private long _waiting;
    private int _isOpen;

    internal GuardedTransport(IAsyncTransport inner, bool isTrusted, ConnectionCounter connections)
    {
        (_inner, _isTrusted, _connections) = (inner, isTrusted, connections);
        _frames = new FrameObserver(AmqpServer.MaxFrameSize, (channel, handle) =>
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

    /// <summary>Its client has shown a credential.</summary>
    internal void Admit() => _connections.Strangers.Left(_socket);

    public void SetConnection(Connection connection)
    {
        _inner.SetConnection(connection);
        var state = ConnectionState.Of(connection);
        state.Transport = this;
        state.IsTrusted = _isTrusted;
        _connection = connection;
        if (_isTrusted)
        {
            Admit();
        }

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

        var size = _order.Arrange(bufferList, listSize);
        if (size > 0)
        {
            await _inner.SendAsync(bufferList, size);
        }

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
        // The library asks for more when it has handled the frame before.
        if (_frames.TakeFlow() is { } flow && flow.HasField(HandleField) && _receivers.TryGetValue((_frames.CurrentChannel, flow.Handle), out var receiver))
        {
            receiver.OnFlow(flow);
        }

        var received = await _inner.ReceiveAsync(buffer, offset, count);
        _heard.TrySetResult();
        AcknowledgeAtOnce();
        try
        {
            _frames.OnReceived(buffer, offset, received);
        }
        catch (AmqpException exception)
        {
            // What would be sent now nobody reads, and it would stay locked.
            foreach (var link in _receivers.Values)
            {
                link.Stop();
            }

            // Told before the library hears of it, which would just hang up.
            _connection?.Close(TimeSpan.Zero, exception.Error);
            await Task.Delay(FarewellTime);
            throw;
        }

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
            Admit();
        }

        _inner.Close();
    }

    /// <summary>The client's name for the link whose attach is being handled: asked on the connection's own thread, right after it came in.</summary>
    internal (ushort Channel, uint Handle) Place(AttachContext context) => (_frames.CurrentChannel, context.Attach.Handle);

    /// <summary>
    /// Tells a link on which the broker sends of each of its flows, with the exact limit. The library counts deliveries and credit without a lock: a client
    /// that is quick to ask for the next message meets it between the two, and what it asks for is lost.
    /// </summary>
    internal void Follow((ushort Channel, uint Handle) place, IFlowReceiver receiver, ListenerLink link)
    {
        _receivers[place] = receiver;
        link.Closed += (_, _) => _receivers.TryRemove(KeyValuePair.Create(place, receiver));
    }

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
