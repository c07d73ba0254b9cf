using System.Buffers.Binary;
using AiPlatform.ServiceBusEmulator.Messages;
using Amqp;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// Keeps a channel's sessions apart on their way out. The library may give a channel to a new session while the last word of the old one is
/// still on another thread: the <c>begin</c> then comes before the <c>end</c>, and clients close the connection. Such a <c>begin</c> waits.
/// Called by one thread at a time.
/// </summary>
internal sealed class ChannelOrder
{
    private const int CodeAt = 10;
    private const byte Described = 0x00;
    private const byte SmallUlong = 0x53;
    private const byte Begin = 0x11;
    private const byte End = 0x17;

    private readonly HashSet<ushort> _open = [];
    private readonly Dictionary<ushort, ByteBuffer> _waiting = [];

    /// <summary>Puts frames that are about to be sent in order; each buffer is one frame.</summary>
    /// <param name="frames">Changed in place where something has to wait, or waits no longer.</param>
    /// <param name="size">Bytes in the frames.</param>
    /// <returns>Bytes that are left to be sent.</returns>
    internal int Arrange(IList<ByteBuffer> frames, int size)
    {
        for (var i = 0; i < frames.Count; i++)
        {
            var (code, channel) = Read(frames[i]);
            if (code == Begin && !_open.Add(channel))
            {
                // The library takes the buffer back when this is sent.
                _waiting[channel] = Copy(frames[i]);
                size -= frames[i].Length;
                frames.RemoveAt(i--);
            }
            else if (code == End)
            {
                _open.Remove(channel);
                if (_waiting.Remove(channel, out var begin))
                {
                    _open.Add(channel);
                    size += begin.Length;
                    frames.Insert(++i, begin);
                }
            }
        }

        return size;
    }

    private static (byte Code, ushort Channel) Read(ByteBuffer frame)
    {
        var bytes = frame.Buffer.AsSpan(frame.Offset, frame.Length);
        return bytes.Length > CodeAt && bytes[CodeAt - 2] == Described && bytes[CodeAt - 1] == SmallUlong
            ? (bytes[CodeAt], BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]))
            : default;
    }

    private static ByteBuffer Copy(ByteBuffer frame)
    {
        var bytes = EncodedMessage.ToArray(frame);
        return new ByteBuffer(bytes, 0, bytes.Length, bytes.Length);
    }
}
