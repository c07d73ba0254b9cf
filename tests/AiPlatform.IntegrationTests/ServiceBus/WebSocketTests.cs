using System.Net;
using System.Net.WebSockets;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>AMQP over WebSockets, on the port of the administration API.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class WebSocketTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    [Fact]
    public async Task Messages_are_sent_received_and_settled()
    {
        await using var client = CreateWebSocketClient();
        await using var sender = client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessagesAsync(Enumerable.Range(0, 50).Select(static i => new ServiceBusMessage(new byte[10_000]) { MessageId = $"{i}" }));
        await using var receiver = client.CreateReceiver(BrokerInstance.Queue, new ServiceBusReceiverOptions { PrefetchCount = 20 });
        for (var i = 0; i < 50; i++)
        {
            var message = await ReceiveAsync(receiver);
            Assert.Equal($"{i}", message.MessageId);
            await receiver.CompleteMessageAsync(message);
        }

        Assert.Null(await receiver.PeekMessageAsync(0));
    }

    [Fact]
    public async Task A_client_that_goes_is_forgotten()
    {
        await using (var client = CreateWebSocketClient())
        {
            await client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("x"));
            await Eventually.TrueAsync(async () => (await Broker.MetricsAsync()).Contains("servicebus_connections 1", StringComparison.Ordinal), "the connection is counted");
        }

        await Eventually.TrueAsync(async () => (await Broker.MetricsAsync()).Contains("servicebus_connections 0", StringComparison.Ordinal), "the connection is forgotten");
    }

    [Fact]
    public async Task Only_amqp_is_spoken_there()
    {
        using var http = new HttpClient { BaseAddress = Broker.HttpAddress };
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/$servicebus/websocket")).StatusCode);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("mqtt");
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new Uri($"ws://127.0.0.1:{Broker.HttpAddress.Port}/$servicebus/websocket"), CancellationToken.None));
    }

    [Fact]
    public async Task Bytes_that_are_no_frames_end_their_own_socket_only()
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("amqp");
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{Broker.HttpAddress.Port}/$servicebus/websocket"), CancellationToken.None);
        await socket.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), WebSocketMessageType.Binary, true, CancellationToken.None);
        using var patience = new CancellationTokenSource(Soon);
        var buffer = new byte[1024];
        while (socket.State == WebSocketState.Open && (await ReceiveOrEndAsync(socket, buffer, patience.Token)) != WebSocketMessageType.Close)
        {
            // The broker's own header, then the end.
        }

        await using var client = CreateWebSocketClient();
        await client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("still here"));
    }

    private static async Task<WebSocketMessageType> ReceiveOrEndAsync(ClientWebSocket socket, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return (await socket.ReceiveAsync(buffer, cancellationToken)).MessageType;
        }
        catch (WebSocketException)
        {
            return WebSocketMessageType.Close; // Cut off, which is an end too.
        }
    }

    private ServiceBusClient CreateWebSocketClient()
        => new(Broker.AdministrationConnectionString, new ServiceBusClientOptions { TransportType = ServiceBusTransportType.AmqpWebSockets });
}
