using System.Buffers.Binary;
using System.Net.Sockets;
using AiPlatform.Fuzz.Fuzzing;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.Fuzz.Protocols;

/// <summary>
/// Conversations of Microsoft's client with a broker, changed at random behind a valid token. The broker may refuse and hang up as it
/// likes; it must go on serving others.
/// </summary>
internal sealed class AmqpFuzzer(FuzzReport report, AmqpTarget target, string queue, string? sessions)
{
    private const int HeaderSize = 8;
    private const int Batch = 16;
    private const int Handshake = 4;

    // Tokens end, and fuzzing may delete what the conversations are about: they are recorded anew now and then.
    private const int BatchesOfRecording = 60;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxServing = TimeSpan.FromSeconds(30);

    private static readonly ByteMutator Mutator = new(
    [
        [0x40], [0x41], [0x42], [0x43], [0x44], [0x45], [0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x70, 0xFF, 0xFF, 0xFF, 0xFF], [0xA0, 0xFF], [0xB0, 0x7F, 0xFF, 0xFF, 0xFF], [0xC0, 0xFF, 0xFF], [0xC1, 0x01, 0x01],
        [0xD0, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF], [0xE0, 0x02, 0xFF, 0x00], [0xF0, 0x00, 0x00, 0x00, 0x05, 0xFF, 0xFF, 0xFF, 0xFF, 0x40], [0x00, 0x53, 0x10], [0x00, 0x53, 0x12], [0x00, 0x53, 0x14], [0x00, 0x53, 0x15], [0x00, 0x53, 0x16],
        [0x00, 0x53, 0x75], [0x00, 0x53, 0x77], [0x00, 0x00, 0x00, 0x00, 0x00, 0x00], [0xA1, 0x03, 0xFF, 0xFE, 0xFD], [0xA3, 0x00], [0x98], [0x83, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    ]);

    /// <summary>Goes on until the budget is spent.</summary>
    public async Task RunAsync(int seed, FuzzBudget budget)
    {
        var random = new Random(seed);
        while (true)
        {
            var conversations = await AmqpConversations.RecordAsync(target, queue, sessions);
            for (var i = 0; i < BatchesOfRecording; i++)
            {
                var broken = new List<byte[]>();
                while (broken.Count < Batch && budget.Take())
                {
                    broken.Add(Break([.. conversations[random.Next(conversations.Count)]], random));
                }

                await Task.WhenAll(broken.Select(SayAsync));
                await RequireServingAsync(broken);
                if (broken.Count < Batch)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Says what was kept; whether the broker serves others afterwards is in the report.</summary>
    public async Task TryAsync(byte[] conversation)
    {
        await SayAsync(conversation);
        await RequireServingAsync([conversation]);
    }

    private static byte[] Break(List<byte[]> frames, Random random)
    {
        for (var changes = random.Next(1, 4); changes > 0 && frames.Count > 1; changes--)
        {
            // The handshake is left alone most of the time, so that a change reaches what is behind it.
            var index = random.Next(12) == 0 ? random.Next(frames.Count) : random.Next(Math.Min(Handshake, frames.Count - 1), frames.Count);
            var other = frames[random.Next(frames.Count)];
            switch (random.Next(9))
            {
                case 0:
                    frames.RemoveAt(index);
                    break;
                case 1:
                    frames.InsertRange(index, Enumerable.Repeat(frames[index], random.Next(6) == 0 ? 200 : 1));
                    break;
                case 2:
                    frames.Insert(index, other);
                    break;
                case 3:
                    frames[index] = Mutator.Mutate(frames[index], other, random);
                    break;
                default:
                    frames[index] = WithSize(Mutator.Mutate(frames[index], other, random));
                    break;
            }
        }

        return [.. frames.SelectMany(static bytes => bytes)];
    }

    // A frame that says its right size is looked into.
    private static byte[] WithSize(byte[] frame)
    {
        if (frame.Length >= HeaderSize && !frame.AsSpan().StartsWith("AMQP"u8))
        {
            BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length);
            frame[4] = 2;
        }

        return frame;
    }

    private async Task SayAsync(byte[] bytes)
    {
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync("127.0.0.1", target.Port);
            var stream = socket.GetStream();
            await stream.WriteAsync(bytes);
            socket.Client.Shutdown(SocketShutdown.Send);
            using var patience = new CancellationTokenSource(Patience);
            var buffer = new byte[16 * 1024];
            while (await stream.ReadAsync(buffer, patience.Token) > 0)
            {
                // Whatever the broker answers, until it hangs up.
            }

            report.Count("amqp ended");
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            report.Count("amqp cut off");
        }
        catch (OperationCanceledException)
        {
            // A receiver waits for messages as long as its connection is there.
            report.Count("amqp still open");
        }
    }

    private async Task RequireServingAsync(List<byte[]> before)
    {
        try
        {
            using var limit = new CancellationTokenSource(MaxServing);
            await using var client = new ServiceBusClient(target.ConnectionString(target.Port), new ServiceBusClientOptions { RetryOptions = { TryTimeout = TimeSpan.FromSeconds(10), MaxRetries = 1 } });
            await using var sender = client.CreateSender(queue);
            await sender.SendMessageAsync(new ServiceBusMessage("still here"), limit.Token);
            await using var receiver = client.CreateReceiver(queue, new ServiceBusReceiverOptions { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete });
            var messages = await receiver.ReceiveMessagesAsync(100, TimeSpan.FromSeconds(10), limit.Token);
            if (messages.Count == 0)
            {
                throw new TimeoutException("No message came.");
            }
        }
        catch (Exception exception) when (exception is ServiceBusException or TimeoutException or OperationCanceledException or SocketException or UnauthorizedAccessException)
        {
            report.Add(new Finding("amqp", $"The broker does not serve: {exception.GetType().Name}", [.. before.SelectMany(static bytes => bytes)], exception.ToString()));
        }
    }
}
