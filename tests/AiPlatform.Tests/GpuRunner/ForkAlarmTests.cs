using System.Diagnostics;
using System.Text;
using AiPlatform.GpuRunner.Launch;

namespace AiPlatform.Tests.GpuRunner;

public sealed class ForkAlarmTests
{
    [Theory]
    [InlineData("0.20 0.18 0.12 1/80 11206\n", 80, 11206)]
    [InlineData("11.81 8.72 9.66 6/37900 4194303\n", 37900, 4194303)]
    [InlineData("", 0, 0)]
    [InlineData("0.20 0.18", 0, 0)]
    public void The_kernels_line_gives_the_tasks_and_the_last_process(string text, long tasks, long last)
        => Assert.Equal((tasks, last), ForkAlarm.Parse(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public async Task It_rings_after_many_starts_and_not_again_after_a_look()
    {
        const int Many = 2_000_000; // Other programs of the machine start processes too.
        using var quiet = new ForkAlarm(Many);
        Assert.False(quiet.Rings());
        using var alarm = new ForkAlarm(3);
        using var process = Process.Start("/bin/sh", ["-c", "for i in 1 2 3 4 5; do /bin/true; done"]);
        await process.WaitForExitAsync();
        Assert.True(alarm.Rings());
    }
}
