using System.Net.WebSockets;
using Amqp;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>AMQP in the binary messages of a WebSocket, as clients behind proxies speak it.</summary>
internal sealed class WebSocketTransport(WebSocket socket) : IAsyncTransport
{
    private const byte ProtocolHeader = (byte)'A';

    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _established = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasSpoken;

    /// <summary>Ends when client and broker have agreed to speak AMQP.</summary>
    internal Task Established => _established.Task;

    /// <summary>Ends when the connection is over; the request that the socket belongs to lives as long.</summary>
    internal Task Closed => _closed.Task;

    public void SetConnection(Connection connection) => _established.TrySetResult();

    public async Task SendAsync(IList<ByteBuffer> bufferList, int listSize)
    {
        for (var i = 0; i < bufferList.Count; i++)
        {
            var buffer = bufferList[i];
            await socket.SendAsync(buffer.Buffer.AsMemory(buffer.Offset, buffer.Length), WebSocketMessageType.Binary, endOfMessage: i == bufferList.Count - 1, CancellationToken.None);
        }
    }

    public async Task<int> ReceiveAsync(byte[] buffer, int offset, int count)
    {
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(offset, count), CancellationToken.None);
            if (received.MessageType == WebSocketMessageType.Text)
            {
                throw new AmqpException(ErrorCode.NotAllowed, "AMQP is binary.");
            }

            if (!_hasSpoken && received.Count > 0)
            {
                if (buffer[offset] != ProtocolHeader)
                {
                    Close();
                    throw new AmqpException(ErrorCode.DecodeError, "AMQP begins with its name.");
                }

                _hasSpoken = true;
            }

            // An empty message says nothing; the end of the socket is read as nothing.
            if (received.Count > 0 || received.MessageType == WebSocketMessageType.Close)
            {
                return received.Count;
            }
        }
    }

    // The library asks synchronously only of transports that cannot do otherwise.
    public void Send(ByteBuffer buffer) => throw new NotSupportedException("A WebSocket is written to asynchronously.");

    public int Receive(byte[] buffer, int offset, int count) => throw new NotSupportedException("A WebSocket is read asynchronously.");

    public void Close() => _ = CloseAsync();

    private async Task CloseAsync()
    {
        try
        {
            using var patience = new CancellationTokenSource(FarewellTime);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The client was gone before.
            socket.Abort();
        }

        _closed.TrySetResult();
    }
}
