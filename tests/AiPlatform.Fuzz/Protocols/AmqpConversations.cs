using System.Buffers.Binary;
using System.Transactions;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.Fuzz.Protocols;

/// <summary>What Microsoft's client says to a broker, frame by frame.</summary>
internal static class AmqpConversations
{
    private const int HeaderSize = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A sender, a receiver, scheduled and deferred messages, a transaction, and a session.</summary>
    /// <param name="sessions">A queue of sessions; null for none.</param>
    public static async Task<List<List<byte[]>>> RecordAsync(AmqpTarget target, string queue, string? sessions)
    {
        await using var relay = new TcpRecorder(target.Port);
        var options = new ServiceBusClientOptions { RetryOptions = { TryTimeout = Patience, MaxRetries = 2, Delay = TimeSpan.FromMilliseconds(50) } };
        await using (var client = new ServiceBusClient(target.ConnectionString(relay.Port), options))
        {
            await using var sender = client.CreateSender(queue);
            await sender.SendMessagesAsync([new ServiceBusMessage("a"), new ServiceBusMessage("b") { MessageId = "m", Subject = "s", TimeToLive = TimeSpan.FromMinutes(1), ApplicationProperties = { ["color"] = "blue", ["n"] = 5 } }]);
            await sender.CancelScheduledMessageAsync(await sender.ScheduleMessageAsync(new ServiceBusMessage("c"), DateTimeOffset.UtcNow.AddHours(1)));
            using var transaction = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled);
            await sender.SendMessageAsync(new ServiceBusMessage("d"));
            transaction.Complete();
        }

        await using (var client = new ServiceBusClient(target.ConnectionString(relay.Port), options))
        {
            await using var receiver = client.CreateReceiver(queue);
            await receiver.PeekMessagesAsync(5, 0);
            if (await receiver.ReceiveMessageAsync(Patience) is { } message)
            {
                await receiver.RenewMessageLockAsync(message);
                await receiver.DeferMessageAsync(message);
                await receiver.AbandonMessageAsync(await receiver.ReceiveDeferredMessageAsync(message.SequenceNumber));
            }

            if (await receiver.ReceiveMessageAsync(Patience) is { } other)
            {
                await receiver.DeadLetterMessageAsync(other, "reason", "description");
            }
        }

        if (sessions is not null)
        {
            await using var client = new ServiceBusClient(target.ConnectionString(relay.Port), options);
            await using var sender = client.CreateSender(sessions);
            await sender.SendMessageAsync(new ServiceBusMessage("e") { SessionId = "s" });
            await using var session = await client.AcceptNextSessionAsync(sessions);
            await session.SetSessionStateAsync(BinaryData.FromString("state"));
            await session.CompleteMessageAsync(await session.ReceiveMessageAsync(Patience));
        }

        return [.. relay.Recordings.Select(Frames).Where(static frames => frames.Count > 3)];
    }

    // Protocol headers have eight bytes, frames begin with their size.
    private static List<byte[]> Frames(byte[] bytes)
    {
        var result = new List<byte[]>();
        for (var start = 0; start + HeaderSize <= bytes.Length;)
        {
            var size = bytes.AsSpan(start).StartsWith("AMQP"u8) ? HeaderSize : BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(start));
            if (size < HeaderSize || start + size > bytes.Length)
            {
                break;
            }

            result.Add(bytes[start..(start + size)]);
            start += size;
        }

        return result;
    }
}
