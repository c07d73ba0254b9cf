using AiPlatform.Messaging.Transport;

namespace AiPlatform.Messaging;

/// <summary>Messages that are sent together and fit into one transfer. Not safe for use by several threads.</summary>
public sealed class ServiceBusMessageBatch : IDisposable
{
    // A data section costs eight bytes at most, the frame and the outer message a little more.
    private const int PerMessageOverhead = 8;
    private const int BatchOverhead = 128;

    private readonly List<byte[]> _messages = [];

    internal ServiceBusMessageBatch(long maxSizeInBytes)
    {
        MaxSizeInBytes = maxSizeInBytes;
        SizeInBytes = BatchOverhead;
    }

    /// <summary>The most bytes that the batch may have.</summary>
    public long MaxSizeInBytes { get; }

    /// <summary>The batch's size in bytes.</summary>
    public long SizeInBytes { get; private set; }

    /// <summary>How many messages the batch has.</summary>
    public int Count => _messages.Count;

    internal IReadOnlyList<byte[]> Messages => _messages;

    /// <summary>Adds a message if it fits; false when it does not.</summary>
    public bool TryAddMessage(ServiceBusMessage message)
    {
        var encoded = AmqpMessageConverter.Encode(AmqpMessageConverter.ToAmqp(message));
        if (SizeInBytes + encoded.Length + PerMessageOverhead > MaxSizeInBytes)
        {
            return false;
        }

        _messages.Add(encoded);
        SizeInBytes += encoded.Length + PerMessageOverhead;
        return true;
    }

    /// <summary>Forgets the messages.</summary>
    public void Dispose() => _messages.Clear();
}
