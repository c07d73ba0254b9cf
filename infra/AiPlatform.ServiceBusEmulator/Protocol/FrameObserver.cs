using System.Buffers.Binary;
using AiPlatform.ServiceBusEmulator.Messages;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// Watches the frames that come in. The library tells a sending link only by how much its credit changed, and forgets the
/// credit when a flow repeats what was known; the flow itself has the exact limit. The library also gathers a transfer without
/// end; here its bytes are counted. A detach is told before the library handles it. And a session's window of all numbers that there are (the
/// official .NET client has it) is narrowed: when the client has seen a transfer that the library has not yet counted, the window's end wraps
/// around to nothing, and the session would send no more. And the names of properties are made symbols, as the specification has
/// them: Azure's client for Python (uamqp) sends strings, which the library refuses without a word.
/// </summary>
/// <param name="maxFrameSize">What the broker said that it takes.</param>
/// <param name="onDetach">Called with the channel and the handle of a detach.</param>
internal sealed class FrameObserver(int maxFrameSize, Action<ushort, uint> onDetach)
{
    private const int ProtocolHeaderSize = 8;
    private const int SizeField = 4;
    private const int MinFrameSize = 8;
    private const byte AmqpFrame = 0;
    private const byte SmallUlong = 0x53;
    private const ulong OpenCode = 0x10;
    private const ulong BeginCode = 0x11;
    private const ulong AttachCode = 0x12;
    private const ulong FlowCode = 0x13;
    private const ulong TransferCode = 0x14;
    private const ulong DetachCode = 0x16;
    private const int IncomingWindowField = 1;
    private const int OpenProperties = 9;
    private const int BeginProperties = 7;
    private const int AttachProperties = 13;

    /// <summary>More than a session ever has on the way.</summary>
    private const uint MaxWindow = int.MaxValue;

    private readonly byte[] _size = new byte[SizeField];
    private Part _part = Part.ProtocolHeader;
    private int _remaining = ProtocolHeaderSize;
    private long _transferred;

    private enum Part
    {
        ProtocolHeader,
        Size,
        Body,
    }

    /// <summary>The last frame, when it was a flow that was not taken.</summary>
    internal Flow? CurrentFlow { get; private set; }

    /// <summary>The last frame, when it was a flow; once.</summary>
    internal Flow? TakeFlow()
    {
        if (_part != Part.Size || _remaining != SizeField)
        {
            return null; // In the middle of the next frame.
        }

        var flow = CurrentFlow;
        CurrentFlow = null;
        return flow;
    }

    /// <summary>The channel of the last frame.</summary>
    internal ushort CurrentChannel { get; private set; }

    /// <summary>Bytes of transfers since a message was complete.</summary>
    internal long TransferredBytes => Interlocked.Read(ref _transferred);

    internal void ResetTransferred() => Interlocked.Exchange(ref _transferred, 0);

    /// <summary>Takes note of bytes. The library reads the protocol header, then each frame's size and each frame's rest, never across.</summary>
    internal void OnReceived(byte[] buffer, int offset, int count)
    {
        if (count > _remaining)
        {
            throw new InvalidOperationException("The frames are read in another way than expected.");
        }

        if (_part == Part.Size)
        {
            buffer.AsSpan(offset, count).CopyTo(_size.AsSpan(SizeField - _remaining));
        }

        _remaining -= count;
        if (_remaining > 0)
        {
            return;
        }

        if (_part == Part.Size)
        {
            var size = BinaryPrimitives.ReadInt32BigEndian(_size);
            if (size > maxFrameSize)
            {
                throw new AmqpException(ErrorCode.ConnectionForced, $"A frame of {size} bytes came; {maxFrameSize} are allowed.");
            }

            if (size >= MinFrameSize)
            {
                _part = Part.Body;
                _remaining = size - SizeField;
                return;
            }
        }
        else if (_part == Part.Body)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(_size) - SizeField;
            Inspect(buffer.AsSpan(offset + count - length, length));
        }

        _part = Part.Size;
        _remaining = SizeField;
    }

    private static ulong PerformativeCode(ReadOnlySpan<byte> performative) => performative switch
    {
        [0, SmallUlong, var code, ..] => code,
        [0, 0x80, ..] when performative.Length >= 10 => BinaryPrimitives.ReadUInt64BigEndian(performative[2..]),
        _ => 0,
    };

    private static T? Decode<T>(ReadOnlySpan<byte> performative)
        where T : class
    {
        try
        {
            var bytes = performative.ToArray();
            return Encoder.ReadObject(new ByteBuffer(bytes, 0, bytes.Length, bytes.Length)) as T;
        }
        catch (Exception exception) when (exception is AmqpException or InvalidCastException or ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            // The library fails on it in the same way and closes the connection.
            return null;
        }
    }

    private static Flow? ReadFlow(Span<byte> performative)
    {
        if (Decode<Flow>(performative) is not { } flow)
        {
            return null;
        }

        if (flow.IncomingWindow > MaxWindow)
        {
            AmqpBytes.SetUint(performative[AmqpBytes.Skip(performative, 1)..], IncomingWindowField, MaxWindow);
        }

        return flow;
    }

    private static void MakeNamesSymbols(Span<byte> performative, int properties)
    {
        try
        {
            AmqpBytes.MakeKeysSymbols(performative[AmqpBytes.Skip(performative, 1)..], properties);
        }
        catch (Exception exception) when (exception is FormatException or IndexOutOfRangeException or ArgumentOutOfRangeException)
        {
            // It is not what it says it is: the library finds that too and closes the connection.
        }
    }

    private void Inspect(Span<byte> body)
    {
        CurrentFlow = null;
        var start = (body[0] * 4) - SizeField;
        if (body[1] != AmqpFrame || start < SizeField || start >= body.Length)
        {
            return;
        }

        CurrentChannel = BinaryPrimitives.ReadUInt16BigEndian(body[2..]);
        switch (PerformativeCode(body[start..]))
        {
            case OpenCode:
                MakeNamesSymbols(body[start..], OpenProperties);
                break;
            case BeginCode:
                MakeNamesSymbols(body[start..], BeginProperties);
                break;
            case AttachCode:
                MakeNamesSymbols(body[start..], AttachProperties);
                break;
            case FlowCode:
                CurrentFlow = ReadFlow(body[start..]);
                break;
            case DetachCode:
                if (Decode<Detach>(body[start..]) is { } detach)
                {
                    onDetach(CurrentChannel, detach.Handle);
                }

                break;
            case TransferCode:
                Interlocked.Add(ref _transferred, body.Length);
                break;
        }
    }
}
