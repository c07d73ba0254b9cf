using AiPlatform.Hosting;

namespace AiPlatform.Tests.Hosting;

public sealed class ConnectionLimitTests
{
    [Theory]
    [InlineData("Max open files            1024                 4096                 files     ", 408)]
    [InlineData("Max open files            20000                20000                files     ", 8_000)]
    [InlineData("Max open files            1048576              1048576              files     ", 10_000)]
    [InlineData("Max open files            unlimited            unlimited            files     ", 10_000)]
    [InlineData("Max cpu time              unlimited            unlimited            seconds   ", 10_000)]
    public void Two_servers_leave_a_process_a_fifth_of_its_descriptors(string line, long expected) => Assert.Equal(expected, ConnectionLimit.Of([line]));
}
