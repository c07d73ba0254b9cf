using System.Net.Sockets;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Workspace;

namespace AiPlatform.Tests.GpuRunner;

/// <summary>Memory that the kernel keeps for a process and that its own counters do not show.</summary>
public sealed class KernelMemoryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_waits_in_unix_sockets_counts_also_when_the_sender_is_gone(bool close)
    {
        const int Bytes = 100_000;
        var path = Path.Combine(Path.GetTempPath(), $"aip-{Guid.NewGuid():N}");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using var sender = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        sender.Connect(new UnixDomainSocketEndPoint(path));
        using var receiver = listener.Accept();
        File.Delete(path);
        var inode = ulong.Parse(new FileInfo($"/proc/self/fd/{receiver.Handle}").LinkTarget!.Split('[', ']')[^2], System.Globalization.CultureInfo.InvariantCulture);
        var idle = UnixSockets.Held()[inode];
        sender.Send(new byte[Bytes]);
        if (close)
        {
            sender.Close();
        }

        Assert.InRange(UnixSockets.Held()[inode] - idle, Bytes, 4 * Bytes);
        Assert.True(KernelMemory.Of([Environment.ProcessId]).Bytes > Bytes);
    }

    [Fact]
    public void Processes_that_are_gone_keep_nothing() => Assert.Equal(0, KernelMemory.Of([int.MaxValue]).Bytes);

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(40)]
    public void An_answer_that_is_cut_short_ends_the_dump(int bytes)
    {
        var held = new Dictionary<ulong, long>();
        var answer = new byte[bytes];
        if (bytes > 4)
        {
            answer[0] = 200;
        }

        UnixSockets.Add(answer, held);
        Assert.Empty(held);
    }
}
