using AiPlatform.ServiceBusEmulator.Protocol;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.Tests.ServiceBusEmulator;

public sealed class FrameObserverTests
{
    // flow: delivery-count 5, link-credit 10, drain.
    private static readonly byte[] Flow =
        [0, 0, 0, 0x1f, 2, 0, 0, 0, 0, 0x53, 0x13, 0xc0, 0x12, 9, 0x43, 0x52, 100, 0x43, 0x52, 100, 0x52, 1, 0x52, 5, 0x52, 10, 0x40, 0x41, 0x40, 0x40, 0x40];

    private static readonly byte[] Transfer = [0, 0, 0, 0x10, 2, 0, 0, 0, 0, 0x53, 0x14, 0xc0, 3, 1, 0x43, 0x40];

    // On channel 3: detach of handle 7, closed.
    private static readonly byte[] Detach = [0, 0, 0, 0x11, 2, 0, 0, 3, 0, 0x53, 0x16, 0xc0, 4, 2, 0x52, 7, 0x41];

    private readonly List<(int Channel, long Handle)> _detached = [];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public void A_flow_is_seen_however_its_bytes_arrive(int pieces)
    {
        var observer = Opened();
        Read(observer, Flow, pieces);
        Assert.NotNull(observer.CurrentFlow);
        Assert.Equal((5u, 10u, true), (observer.CurrentFlow.DeliveryCount, observer.CurrentFlow.LinkCredit, observer.CurrentFlow.Drain));

        Read(observer, Transfer, pieces);
        Assert.Null(observer.CurrentFlow);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_detach_is_told_with_its_channel_before_anybody_handles_it(int pieces)
    {
        var observer = Opened();
        Read(observer, Flow, pieces);
        Read(observer, Detach, pieces);
        Assert.Equal([(3, 7L)], _detached);
        Assert.Equal(3, observer.CurrentChannel);
    }

    // An attach as Azure's client for Python sends it: the names of its properties are strings. They are symbols to everybody else.
    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void Names_of_properties_are_symbols_whoever_wrote_them(int pieces)
    {
        var frame = Convert.FromHexString(
            "000000ff02000000005312c0f20ea13272656365697665722d6c696e6b2d39373566333938642d653562612d346436642d383439352d64356464616461333437656552024150005001"
            + "005328c01b01a118616d7170733a2f2f3132372e302e302e312f6f7264657273005329c03201a12f534252656365697665722d30666431653832352d636533312d343133612d626233322d"
            + "6137663537653438313034664040408000000000001000004040c14f02a11b636f6d2e6d6963726f736f66743a72656365697665722d6e616d65a12f534252656365697665722d30666431"
            + "653832352d636533312d343133612d626233322d613766353765343831303466");
        Read(Opened(), frame, pieces);
        var attach = (Attach)Encoder.ReadObject(new ByteBuffer(frame, 8, frame.Length - 8, frame.Length - 8));
        Assert.StartsWith("SBReceiver-", (string)attach.Properties[new Symbol("com.microsoft:receiver-name")], StringComparison.Ordinal);
        Assert.Equal("amqps://127.0.0.1/orders", ((Source)attach.Source).Address);
    }

    [Theory]
    [InlineData("0000001002000000005312c00102")]
    [InlineData("0000001002000000005312c004ff4040")]
    [InlineData("0000000e02000000005312b0ffff")]
    public void An_attach_that_is_none_is_left_to_the_library(string frame) => Read(Opened(), Convert.FromHexString(frame.PadRight(32, '0'))[..Convert.ToInt32(frame[..8], 16)], 1000);

    [Fact]
    public void Bytes_of_transfers_are_counted_until_a_message_is_complete()
    {
        var observer = Opened();
        Read(observer, Flow, 1000);
        Assert.Equal(0, observer.TransferredBytes);
        Read(observer, Transfer, 1000);
        Read(observer, Transfer, 1000);
        Assert.Equal(24, observer.TransferredBytes);
        observer.ResetTransferred();
        Assert.Equal(0, observer.TransferredBytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_window_without_end_is_narrowed_before_anybody_counts_with_it(int pieces)
    {
        // flow: next-incoming-id null, incoming-window 4294967295, next-outgoing-id 100, outgoing-window 1.
        byte[] endless = [0, 0, 0, 0x17, 2, 0, 0, 0, 0, 0x53, 0x13, 0xc0, 0x0a, 4, 0x40, 0x70, 0xff, 0xff, 0xff, 0xff, 0x52, 100, 0x43];
        var observer = Opened();
        Read(observer, endless, pieces);
        Assert.Equal([0x7f, 0xff, 0xff, 0xff, 0x52, 100, 0x43], endless[16..]);
        Read(observer, Flow, pieces);
        Assert.Equal(5u, observer.CurrentFlow?.DeliveryCount);
    }

    [Fact]
    public void Frames_that_are_broken_are_left_to_the_library()
    {
        var observer = Opened();
        var broken = (byte[])Flow.Clone();
        broken[12] = 0xff;
        Read(observer, broken, 1000);
        Assert.Null(observer.CurrentFlow);
        Read(observer, [0, 0, 0, 8, 2, 0, 0, 0], 1000);
        Read(observer, Flow, 1000);
        Assert.NotNull(observer.CurrentFlow);
    }

    private FrameObserver Opened()
    {
        // The library registers its frame types with the first message or connection of the process.
        _ = new Message("first").Encode();
        var observer = new FrameObserver(64 * 1024, (channel, handle) => _detached.Add((channel, handle)));
        observer.OnReceived(new byte[8], 0, 8);
        return observer;
    }

    // As the library reads: four bytes of size, then the rest into a buffer of the frame's size.
    private static void Read(FrameObserver observer, byte[] frame, int most)
    {
        var size = frame[..4];
        for (var i = 0; i < 4; i += most)
        {
            observer.OnReceived(size, i, Math.Min(most, 4 - i));
        }

        for (var i = 4; i < frame.Length; i += most)
        {
            observer.OnReceived(frame, i, Math.Min(most, frame.Length - i));
        }
    }
}
