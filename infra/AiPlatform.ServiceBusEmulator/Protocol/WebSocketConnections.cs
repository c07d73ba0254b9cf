using System.Threading.Channels;
using Amqp;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>Hands the WebSockets that come in over HTTP to the AMQP container.</summary>
internal sealed class WebSocketConnections : TransportProvider
{
    /// <summary>Where clients knock.</summary>
    internal const string Path = "/$servicebus/websocket";

    /// <summary>The scheme of the container's address for them; nothing listens there.</summary>
    internal const string Scheme = "aipws";

    private const int MaxWaiting = 100;

    // The registered name, and the older one that Azure's clients for JavaScript and Java ask for.
    private static readonly string[] Protocols = ["amqp", "AMQPWSB10"];

    private static readonly TimeSpan NegotiationTime = TimeSpan.FromSeconds(15);

    private readonly Channel<WebSocketTransport> _accepted = Channel.CreateBounded<WebSocketTransport>(MaxWaiting);

    public WebSocketConnections() => AddressSchemes = [Scheme];

    /// <summary>The next client's transport; the container asks again and again.</summary>
    public override async Task<IAsyncTransport> CreateAsync(Address address) => await _accepted.Reader.ReadAsync();

    /// <summary>Serves one client until its connection is over.</summary>
    internal async Task ServeAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest || Protocols.FirstOrDefault(context.WebSockets.WebSocketRequestedProtocols.Contains) is not { } protocol)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync("Here AMQP is spoken over WebSockets, subprotocol 'amqp' or 'AMQPWSB10'.", context.RequestAborted);
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(protocol);
        var transport = new WebSocketTransport(socket);
        await _accepted.Writer.WriteAsync(transport, context.RequestAborted);
        await AwaitEndAsync(transport, context.RequestAborted);
    }

    // A client that does not get as far as a connection is nobody's: the container forgets its transport without closing it.
    private static async Task AwaitEndAsync(WebSocketTransport transport, CancellationToken aborted)
    {
        await Task.WhenAny(transport.Established, transport.Closed, Task.Delay(NegotiationTime, aborted));
        if (!transport.Established.IsCompleted)
        {
            transport.Close();
        }

        await transport.Closed.WaitAsync(aborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
