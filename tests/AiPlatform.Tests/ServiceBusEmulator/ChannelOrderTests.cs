using AiPlatform.ServiceBusEmulator.Protocol;
using Amqp;

namespace AiPlatform.Tests.ServiceBusEmulator;

public sealed class ChannelOrderTests
{
    private const byte Begin = 0x11;
    private const byte Detach = 0x16;
    private const byte End = 0x17;

    private readonly ChannelOrder _order = new();

    [Fact]
    public void A_begin_waits_for_the_end_of_the_session_before()
    {
        Assert.Equal(["begin 2", "begin 3"], Send((Begin, 2), (Begin, 3)));
        Assert.Equal([], Send((Begin, 2)));
        Assert.Equal(["detach 2"], Send((Detach, 2)));
        Assert.Equal(["end 2", "begin 2", "end 3"], Send((End, 2), (End, 3)));
        Assert.Equal(["end 2"], Send((End, 2)));
        Assert.Equal(["begin 2"], Send((Begin, 2)));
    }

    [Fact]
    public void What_is_in_order_passes_as_it_came()
        => Assert.Equal(["begin 0", "detach 0", "end 0", "begin 0", "end 0"], Send((Begin, 0), (Detach, 0), (End, 0), (Begin, 0), (End, 0)));

    [Fact]
    public void What_is_no_frame_passes()
    {
        var frames = new List<ByteBuffer> { new([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0], 0, 8, 8) };
        Assert.Equal(8, _order.Arrange(frames, 8));
        Assert.Single(frames);
    }

    private List<string> Send(params (byte Code, ushort Channel)[] frames)
    {
        var buffers = frames.Select(static frame => Frame(frame.Code, frame.Channel)).ToList();
        var size = _order.Arrange(buffers, buffers.Sum(static buffer => buffer.Length));
        Assert.Equal(buffers.Sum(static buffer => buffer.Length), size);
        return buffers.ConvertAll(static buffer => $"{Name(buffer.Buffer[buffer.Offset + 10])} {buffer.Buffer[buffer.Offset + 7]}");
    }

    private static string Name(byte code) => code switch
    {
        Begin => "begin",
        Detach => "detach",
        End => "end",
        _ => throw new ArgumentOutOfRangeException(nameof(code)),
    };

    private static ByteBuffer Frame(byte code, ushort channel) => new([0, 0, 0, 12, 2, 0, (byte)(channel >> 8), (byte)channel, 0, 0x53, code, 0x45], 0, 12, 12);
}
