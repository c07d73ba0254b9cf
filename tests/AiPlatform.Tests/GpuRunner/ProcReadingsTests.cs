using AiPlatform.GpuRunner.Sample;

namespace AiPlatform.Tests.GpuRunner;

public sealed class ProcReadingsTests
{
    [Fact]
    public void Network_bytes_are_those_of_all_devices_but_the_loopback()
    {
        string[] lines =
        [
            "Inter-|   Receive                                                |  Transmit",
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
            "    lo: 99999       9    0    0    0     0          0         0    99999       9    0    0    0     0       0          0",
            "  eth0: 1000       9    0    0    0     0          0         0    200       9    0    0    0     0       0          0",
            "  eth1:5000       9    0    0    0     0          0         0    30       9    0    0    0     0       0          0",
        ];
        Assert.Equal((6_000L, 230L), ProcReadings.Network(lines));
    }

    [Fact]
    public void What_this_process_uses_is_read_and_what_is_gone_counts_nothing()
    {
        var (ticks, memory) = ProcReadings.Usage([Environment.ProcessId, int.MaxValue]);
        Assert.True(ticks > 0 && memory > 10_000_000, $"{ticks} ticks, {memory} bytes");
        var (busy, total) = ProcReadings.Cpu();
        Assert.InRange(busy, 1, total);
    }
}
