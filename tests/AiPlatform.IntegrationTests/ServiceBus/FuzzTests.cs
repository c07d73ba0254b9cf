using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using AiPlatform.IntegrationTests.Servers;
using Amqp;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>
/// What real clients say, changed at random from a seed: frames are cut, repeated, swapped and filled with noise behind a valid
/// token. The broker may refuse and hang up as it likes; it must go on serving, and keep nothing of such connections.
/// </summary>
[Collection(ServiceBusCollection.Name)]
public sealed partial class FuzzTests(PostgresFixture postgres, Xunit.Abstractions.ITestOutputHelper output) : BrokerTests(postgres)
{
    private const int HeaderSize = 8;
    private const int Rounds = 400;

    [Fact]
    public async Task Conversations_with_broken_frames_do_not_stop_the_broker()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("AIPLATFORM_FUZZ_SEED"), out var given) ? given : 2025;
        output.WriteLine($"AIPLATFORM_FUZZ_SEED={seed}");
        var conversations = await RecordAsync();
        Assert.True(conversations.Sum(static frames => frames.Count) > 60, "The conversations have many frames.");
        var random = new Random(seed);
        for (var round = 0; round < Rounds; round += 8)
        {
            var broken = Enumerable.Range(0, 8).Select(_ => Break([.. conversations[random.Next(conversations.Count)]], random)).ToList();
            await Task.WhenAll(broken.Select(SendRawAsync));
        }

        await AssertServesAsync();
        await Eventually.TrueAsync(async () => await ConnectionsAsync() <= 1, "the connections are forgotten");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(0x0010_0000)]
    [InlineData(0x7fff_ffff)]
    [InlineData(-1)]
    public async Task A_frame_of_a_size_that_cannot_be_ends_its_connection_only(int size)
    {
        var frames = (await RecordAsync())[0];
        var frame = frames[^1].ToArray();
        BinaryPrimitives.WriteInt32BigEndian(frame, size);
        await SendRawAsync([.. frames.SkipLast(1).SelectMany(static bytes => bytes), .. frame, .. new byte[100_000]]);
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_transfer_without_an_end_is_cut_off()
    {
        var connection = await new ConnectionFactory().CreateAsync(new Address("127.0.0.1", Broker.Port, "RootManageSharedAccessKey", BrokerInstance.Key, "/", "amqp"));
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.AddClosedCallback((_, _) => ended.TrySetResult());
        var sender = new SenderLink(new Session(connection), "endless", BrokerInstance.Queue);
        sender.Send(new Amqp.Message { BodySection = new Amqp.Framing.Data { Binary = new byte[80 * 1024 * 1024] } }, null, null);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await AssertServesAsync();
    }

    // A sender, a receiver, the management node, sessions and a transaction: one connection each.
    private async Task<List<List<byte[]>>> RecordAsync()
    {
        await using var relay = new TcpRelay(Broker.Port, isRecording: true);
        await TalkAsync(relay.Port, async client =>
        {
            await using var sender = client.CreateSender(BrokerInstance.Queue);
            await sender.SendMessagesAsync([new ServiceBusMessage("a"), new ServiceBusMessage("b") { ApplicationProperties = { ["color"] = "blue" } }]);
            await sender.CancelScheduledMessageAsync(await sender.ScheduleMessageAsync(new ServiceBusMessage("c"), DateTimeOffset.UtcNow.AddHours(1)));
            using var transaction = new System.Transactions.TransactionScope(System.Transactions.TransactionScopeAsyncFlowOption.Enabled);
            await sender.SendMessageAsync(new ServiceBusMessage("d"));
            transaction.Complete();
        });
        await TalkAsync(relay.Port, async client =>
        {
            await using var receiver = client.CreateReceiver(BrokerInstance.Queue);
            var message = await ReceiveAsync(receiver);
            await receiver.RenewMessageLockAsync(message);
            await receiver.DeferMessageAsync(message);
            await receiver.AbandonMessageAsync(await receiver.ReceiveDeferredMessageAsync(message.SequenceNumber));
            await receiver.CompleteMessageAsync(await ReceiveAsync(receiver));
            await receiver.PeekMessagesAsync(5, 0);
        });
        await TalkAsync(relay.Port, async client =>
        {
            await using var sender = client.CreateSender(BrokerInstance.SessionQueue);
            await sender.SendMessageAsync(new ServiceBusMessage("e") { SessionId = "s" });
            await using var session = await client.AcceptNextSessionAsync(BrokerInstance.SessionQueue);
            await session.SetSessionStateAsync(BinaryData.FromString("state"));
            await session.DeadLetterMessageAsync(await ReceiveAsync(session), "reason");
        });
        return [.. relay.Recordings.Select(Frames)];
    }

    private static async Task TalkAsync(int port, Func<ServiceBusClient, Task> talk)
    {
        await using var client = BrokerInstance.CreateClient(BrokerInstance.ConnectionStringFor(port));
        await talk(client);
    }

    // Protocol headers have eight bytes, frames begin with their size.
    private static List<byte[]> Frames(byte[] bytes)
    {
        var result = new List<byte[]>();
        for (var start = 0; start + HeaderSize <= bytes.Length;)
        {
            var size = bytes.AsSpan(start).StartsWith("AMQP"u8) ? HeaderSize : BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(start));
            if (start + size > bytes.Length)
            {
                break;
            }

            result.Add(bytes[start..(start + size)]);
            start += size;
        }

        return result;
    }

    private static byte[] Break(List<byte[]> frames, Random random)
    {
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            // The handshake is left alone most of the time, so that the change reaches what is behind it.
            var index = random.Next(10) == 0 ? random.Next(frames.Count) : random.Next(Math.Min(4, frames.Count - 1), frames.Count);
            var frame = frames[index].ToArray();
            switch (random.Next(8))
            {
                case 0:
                    frames.RemoveAt(index);
                    break;
                case 1:
                    frames.Insert(index, frame);
                    break;
                case 2:
                    var other = random.Next(frames.Count);
                    (frames[index], frames[other]) = (frames[other], frames[index]);
                    break;
                case 3:
                    frames[index] = frame[..random.Next(1, Math.Max(2, frame.Length))];
                    break;
                case 4:
                    random.NextBytes(frame.AsSpan(Math.Min(HeaderSize, frame.Length - 1)));
                    frames[index] = frame;
                    break;
                case 5:
                    var noise = new byte[random.Next(1, 2_000)];
                    random.NextBytes(noise);
                    frames.Insert(index, noise);
                    break;
                default:
                    for (var flips = random.Next(1, 6); flips > 0; flips--)
                    {
                        frame[random.Next(frame.Length)] = (byte)random.Next(256);
                    }

                    frames[index] = frame;
                    break;
            }

            if (frames.Count < 2)
            {
                break;
            }
        }

        return [.. frames.SelectMany(static bytes => bytes)];
    }

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
            var buffer = new byte[16 * 1024];
            while (await stream.ReadAsync(buffer, patience.Token) > 0)
            {
                // Whatever the broker answers, until it hangs up.
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // Cut off, which is one right answer.
        }
    }

    private async Task AssertServesAsync()
    {
        await using (var sender = Client.CreateSender(BrokerInstance.ShortQueue))
        {
            await sender.SendMessageAsync(new ServiceBusMessage("still here"));
            await using var receiver = Client.CreateReceiver(BrokerInstance.ShortQueue);
            var message = await ReceiveAsync(receiver);
            Assert.Equal("still here", message.Body.ToString());
            await receiver.CompleteMessageAsync(message);
        }

        Assert.True(await Broker.IsReadyAsync());
    }

    private async Task<double> ConnectionsAsync()
        => double.Parse(Connections().Match(await Broker.MetricsAsync()).Groups["count"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^servicebus_connections (?<count>\S+)$", RegexOptions.Multiline, 1000)]
    private static partial Regex Connections();
}
