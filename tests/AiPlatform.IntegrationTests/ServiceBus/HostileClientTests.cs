using System.Net.Sockets;
using AiPlatform.IntegrationTests.Servers;
using Amqp;
using Amqp.Framing;
using Amqp.Sasl;
using Amqp.Types;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Clients that are not who they say, or say what makes no sense. The broker refuses them and serves the others.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class HostileClientTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    private static readonly byte[] SaslHeader = [0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0];
    private static readonly byte[] AmqpHeader = [0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0];

    // sasl-init with mechanism ANONYMOUS.
    private static readonly byte[] SaslInit =
        [0, 0, 0, 0x1b, 2, 1, 0, 0, 0, 0x53, 0x41, 0xc0, 0x0e, 2, 0xa3, 9, .. "ANONYMOUS"u8, 0xa0, 0];

    // open with container id "x", begin, as any client sends them.
    private static readonly byte[] Open = [0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0x53, 0x10, 0xc0, 4, 1, 0xa1, 1, 0x78];
    private static readonly byte[] Begin = [0, 0, 0, 0x1a, 2, 0, 0, 0, 0, 0x53, 0x11, 0xc0, 0x0d, 4, 0x40, 0x43, 0x70, 0, 0, 8, 0, 0x70, 0, 0, 8, 0];

    [Fact]
    public async Task Without_a_token_nothing_is_opened()
    {
        var connection = await ConnectAsync(SaslProfile.Anonymous);
        var error = await AttachErrorAsync(new Session(connection), BrokerInstance.Queue);
        Assert.Equal(ErrorCode.UnauthorizedAccess, error?.Condition);
        await connection.CloseAsync();
    }

    [Fact]
    public async Task A_wrong_key_is_refused()
    {
        await using var client = BrokerInstance.CreateClient(BrokerInstance.ConnectionStringFor(Broker.Port, "wrong"), maxRetries: 0);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("x")));
    }

    [Fact]
    public async Task An_expired_signature_is_refused()
    {
        var signature = TestSignature.Create(
            "sb://127.0.0.1/", "RootManageSharedAccessKey", BrokerInstance.Key, DateTimeOffset.UtcNow.AddMinutes(-1));
        await using var client = BrokerInstance.CreateClient(
            $"Endpoint=sb://127.0.0.1:{Broker.Port};SharedAccessSignature={signature};UseDevelopmentEmulator=true", maxRetries: 0);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("x")));
    }

    [Fact]
    public async Task A_signature_for_one_queue_opens_that_queue_only()
    {
        var signature = TestSignature.Create(
            $"sb://127.0.0.1/{BrokerInstance.Queue}", "RootManageSharedAccessKey", BrokerInstance.Key, DateTimeOffset.UtcNow.AddMinutes(5));
        await using var client = BrokerInstance.CreateClient(
            $"Endpoint=sb://127.0.0.1:{Broker.Port};SharedAccessSignature={signature};UseDevelopmentEmulator=true", maxRetries: 0);
        await client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("x"));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => client.CreateSender(BrokerInstance.ShortQueue).SendMessageAsync(new ServiceBusMessage("x")));
    }

    /// <summary>Thousands of connections that say nothing, or let themselves in and show no token, take the places of each other only.</summary>
    [Fact]
    public async Task Connections_without_a_credential_are_bounded_and_keep_nobody_out()
    {
        const int Most = 40;
        await using var broker = await BrokerInstance.StartAsync(
            await Postgres.CreateDatabaseAsync("strangers"), settings: new Dictionary<string, string> { ["ServiceBus:MaxStrangers"] = "40" });
        await using var before = broker.CreateClient();
        var sender = before.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("before"));
        var strangers = new List<Socket>();
        try
        {
            for (var i = 0; i < 3 * Most; i++)
            {
                strangers.Add(new Socket(SocketType.Stream, ProtocolType.Tcp));
                await strangers[^1].ConnectAsync("127.0.0.1", broker.Port);
                await strangers[^1].SendAsync(i % 2 == 0 ? [] : (byte[])[.. SaslHeader, .. SaslInit, .. AmqpHeader, .. Open]);
            }

            await Eventually.TrueAsync(() => Task.FromResult(strangers.Count(IsClosed) >= 2 * Most), "the oldest are closed");
            Assert.InRange(strangers.Count(IsClosed), 2 * Most, (2 * Most) + 2);
            await sender.SendMessageAsync(new ServiceBusMessage("still there"));
            await using var after = broker.CreateClient();
            Assert.Equal("before", (await ReceiveAsync(after.CreateReceiver(BrokerInstance.Queue))).Body.ToString());
        }
        finally
        {
            strangers.ForEach(static socket => socket.Dispose());
        }

        static bool IsClosed(Socket socket)
        {
            try
            {
                var rest = new byte[4096];
                while (socket.Poll(0, SelectMode.SelectRead))
                {
                    if (socket.Receive(rest) == 0)
                    {
                        return true;
                    }
                }

                return false;
            }
            catch (SocketException)
            {
                return true;
            }
        }
    }

    [Fact]
    public async Task Sasl_plain_with_the_key_needs_no_token_and_without_it_gets_nothing()
    {
        var connection = await new ConnectionFactory().CreateAsync(
            new Address("127.0.0.1", Broker.Port, "RootManageSharedAccessKey", BrokerInstance.Key, "/", "amqp"));
        Assert.Null(await AttachErrorAsync(new Session(connection), BrokerInstance.Queue));
        await connection.CloseAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => new ConnectionFactory().CreateAsync(
            new Address("127.0.0.1", Broker.Port, "RootManageSharedAccessKey", "wrong", "/", "amqp")));
    }

    [Theory]
    [InlineData("MSSBCBS")]
    [InlineData("EXTERNAL")]
    [InlineData("ANONYMOUS")]
    public async Task Mechanisms_without_a_secret_connect_and_get_nothing_before_a_token(string mechanism)
    {
        var connection = await ConnectAsync(new BareProfile(mechanism));
        var error = await AttachErrorAsync(new Session(connection), BrokerInstance.Queue);
        Assert.Equal(ErrorCode.UnauthorizedAccess, error?.Condition);
        await connection.CloseAsync();
    }

    [Fact]
    public async Task A_mechanism_that_is_not_offered_is_refused()
        => await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(new BareProfile("SCRAM-SHA-256")));

    [Fact]
    public async Task Messages_that_are_no_messages_are_rejected_and_the_link_lives_on()
    {
        var session = await TrustedSessionAsync();
        var sender = new SenderLink(session, "raw", BrokerInstance.Queue);
        var broken = new Message { BodySection = new Amqp.Framing.Data { Binary = [1, 2, 3] }, Format = 0x80013700 };
        var exception = await Assert.ThrowsAsync<AmqpException>(() => sender.SendAsync(broken));
        Assert.Equal(ErrorCode.DecodeError, exception.Error.Condition);
        var longId = new Message("x") { Properties = new Properties { MessageId = new string('i', 200) } };
        Assert.Equal("com.microsoft:argument-error", (string)(await Assert.ThrowsAsync<AmqpException>(() => sender.SendAsync(longId))).Error.Condition);

        await sender.SendAsync(new Message("a value, without an id"));

        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        var message = await ReceiveAsync(receiver);
        Assert.True(message.GetRawAmqpMessage().Body.TryGetValue(out var value));
        Assert.Equal("a value, without an id", value);
        Assert.NotEmpty(message.MessageId);
    }

    [Fact]
    public async Task Requests_that_make_no_sense_get_an_answer()
    {
        var session = await TrustedSessionAsync();
        var address = BrokerInstance.Queue + "/$management";
        var receiver = new ReceiverLink(session, "answers", new Attach { Source = new Source { Address = address }, Target = new Target { Address = "me" } }, null);
        var sender = new SenderLink(session, "requests", address);
        async Task<int> AskAsync(string operation, object body)
        {
            await sender.SendAsync(new Message(body)
            {
                Properties = new Properties { MessageId = "1", ReplyTo = "me" },
                ApplicationProperties = new ApplicationProperties { ["operation"] = operation },
            });
            var answer = await receiver.ReceiveAsync(Soon);
            receiver.Accept(answer);
            return (int)answer.ApplicationProperties["statusCode"];
        }

        Assert.Equal(501, await AskAsync("com.microsoft:no-such-thing", new Map()));
        Assert.Equal(400, await AskAsync("com.microsoft:renew-lock", "no map"));
        Assert.Equal(400, await AskAsync("com.microsoft:renew-lock", new Map()));
        Assert.Equal(400, await AskAsync("com.microsoft:schedule-message", new Map { ["messages"] = new List { new Map { ["message"] = new byte[] { 1, 2 } } } }));
        Assert.Equal(400, await AskAsync("com.microsoft:update-disposition", new Map { ["lock-tokens"] = new[] { Guid.NewGuid() }, ["disposition-status"] = "eaten" }));
        Assert.Equal(410, await AskAsync("com.microsoft:update-disposition", new Map { ["lock-tokens"] = new[] { Guid.NewGuid() }, ["disposition-status"] = "completed" }));
        Assert.Equal(204, await AskAsync("com.microsoft:peek-message", new Map { ["from-sequence-number"] = 0L, ["message-count"] = 5 }));
    }

    [Fact]
    public async Task Nobody_sends_to_a_dead_letter_queue()
    {
        var error = await AttachErrorAsync(await TrustedSessionAsync(), BrokerInstance.Queue + "/$DeadLetterQueue");
        Assert.Equal(ErrorCode.NotAllowed, error?.Condition);
    }

    [Fact]
    public async Task Outcomes_on_the_link_settle_too()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessagesAsync(Enumerable.Range(0, 4).Select(i => new ServiceBusMessage($"{i}")));
        var link = new ReceiverLink(await TrustedSessionAsync(), "raw", BrokerInstance.Queue);
        link.SetCredit(4, CreditMode.Manual);
        var messages = new List<Message>();
        while (messages.Count < 4)
        {
            messages.Add(await link.ReceiveAsync(Soon));
        }

        link.Accept(messages[0]);
        link.Modify(messages[1], deliveryFailed: false, undeliverableHere: true);
        link.Reject(messages[2], new Error("com.microsoft:dead-letter") { Info = new Fields { [new Symbol("DeadLetterReason")] = "raw" } });
        link.Release(messages[3]);

        await using var dead = Client.CreateReceiver(BrokerInstance.Queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        Assert.Equal(("2", "raw"), (await ReceiveAsync(dead)) is { } letter ? (letter.Body.ToString(), letter.DeadLetterReason) : default);
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        var returned = await ReceiveAsync(receiver);
        Assert.Equal(("3", 1), (returned.Body.ToString(), returned.DeliveryCount));
        await Eventually.TrueAsync(
            async () => (await receiver.PeekMessagesAsync(10, 0)).Select(message => (message.Body.ToString(), message.State)).SequenceEqual(
                [("1", ServiceBusMessageState.Deferred), ("3", ServiceBusMessageState.Active)]),
            "one message is gone, one deferred, one held");
    }

    [Fact]
    public async Task Bytes_that_are_no_frames_do_not_stop_the_broker()
    {
        var random = new Random(42);
        for (var round = 0; round < 60; round++)
        {
            var noise = new byte[random.Next(1, 3000)];
            random.NextBytes(noise);
            byte[] preamble = (round % 4) switch
            {
                0 => [],
                1 => SaslHeader,
                2 => [.. SaslHeader, .. SaslInit, .. AmqpHeader],
                _ => [.. SaslHeader, .. SaslInit, .. AmqpHeader, .. Open, .. Begin],
            };

            // Every other round has a proper frame around the noise, so that it reaches the decoder.
            byte[] frame = round % 2 == 0
                ? noise
                : [(byte)((noise.Length + 11) >> 24), (byte)((noise.Length + 11) >> 16), (byte)((noise.Length + 11) >> 8), (byte)(noise.Length + 11), 2, 0, 0, 0, 0, 0x53, (byte)random.Next(0x10, 0x19), .. noise];
            await SendRawAsync([.. preamble, .. frame]);
        }

        await AssertServesAsync();
    }

    [Fact]
    public async Task Deeply_nested_values_do_not_stop_the_broker()
    {
        // A list in a list in a list …, as the body of an attach.
        var nested = Enumerable.Repeat(new byte[] { 0xc0, 0xff, 1 }, 15_000).SelectMany(bytes => bytes).ToArray();
        var length = nested.Length + 11;
        await SendRawAsync(
            [.. SaslHeader, .. SaslInit, .. AmqpHeader, .. Open, .. Begin, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length, 2, 0, 0, 0, 0, 0x53, 0x12, .. nested]);
        await AssertServesAsync();
    }

    private sealed class BareProfile(string mechanism) : SaslProfile(mechanism)
    {
        protected override ITransport UpgradeTransport(ITransport transport) => transport;

        protected override DescribedList GetStartCommand(string hostname) => new SaslInit { Mechanism = Mechanism, InitialResponse = [] };

        protected override DescribedList OnCommand(DescribedList command) => throw new AmqpException(ErrorCode.NotAllowed, command.ToString());
    }

    private static async Task<Error?> AttachErrorAsync(Session session, string address)
    {
        var answered = new TaskCompletionSource<Error?>();
        var link = new SenderLink(session, Guid.NewGuid().ToString(), new Attach { Source = new Source(), Target = new Target { Address = address } }, (_, attach) =>
        {
            if (attach.Target is not null)
            {
                answered.TrySetResult(null);
            }
        });
        link.AddClosedCallback((_, error) => answered.TrySetResult(error));
        return await answered.Task.WaitAsync(Soon);
    }

    private async Task<Connection> ConnectAsync(SaslProfile profile)
    {
        var factory = new ConnectionFactory();
        factory.SASL.Profile = profile;
        return await factory.CreateAsync(new Address("127.0.0.1", Broker.Port, null, null, "/", "amqp"));
    }

    private async Task<Session> TrustedSessionAsync()
        => new(await new ConnectionFactory().CreateAsync(new Address("127.0.0.1", Broker.Port, "RootManageSharedAccessKey", BrokerInstance.Key, "/", "amqp")));

    private async Task SendRawAsync(byte[] bytes)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", Broker.Port);
        var stream = socket.GetStream();
        try
        {
            await stream.WriteAsync(bytes);
            socket.Client.Shutdown(SocketShutdown.Send);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer, patience.Token) > 0)
            {
                // The broker's side of the handshake, until it closes.
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // Cut off, which is one right answer to noise.
        }
    }

    private async Task AssertServesAsync()
    {
        await using var sender = Client.CreateSender(BrokerInstance.Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("still here"));
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Equal("still here", (await ReceiveAsync(receiver)).Body.ToString());
        Assert.True(await Broker.IsReadyAsync());
    }
}
