using AiPlatform.Local.Platform;

namespace AiPlatform.Tests.Local;

public sealed class LocalOptionsTests
{
    [Fact]
    public void No_arguments_mean_the_checkout_s_data_folder_and_the_demo()
    {
        var options = LocalOptions.Parse([]);

        Assert.EndsWith("/.local", options.Data, StringComparison.Ordinal);
        Assert.True(Path.IsPathRooted(options.Data));
        Assert.True(options.Demo);
        Assert.False(options.Reset);
        Assert.False(options.ExitAfterDemo);
        Assert.False(options.Dashboard);
        Assert.False(options.Watch);
    }

    [Fact]
    public void Every_option_is_read()
    {
        var options = LocalOptions.Parse(["--data", "/tmp/a b", "--reset", "--exit-after-demo", "--dashboard", "--ports", "api=9000,blob=9001"]);

        Assert.Equal("/tmp/a b", options.Data);
        Assert.True(options.Dashboard);
        Assert.True(options.Reset);
        Assert.True(options.ExitAfterDemo);
        Assert.Equal(9000, options.Ports!["api"]);
        Assert.Equal(9001, options.Ports["blob"]);
        Assert.False(LocalOptions.Parse(["--no-demo"]).Demo);
        Assert.True(LocalOptions.Parse(["--watch", "functions"]).Watch);
    }

    [Theory]
    [InlineData("--what")]
    [InlineData("--data")]
    [InlineData("--data", "--reset")]
    [InlineData("--ports", "nonsense")]
    [InlineData("--ports", "unknown=1")]
    [InlineData("--ports", "api=70000")]
    [InlineData("--no-demo", "--exit-after-demo")]
    [InlineData("--watch")]
    [InlineData("--watch", "everything")]
    [InlineData("--watch", "functions", "--exit-after-demo")]
    public void A_wrong_argument_is_refused_by_name(params string[] arguments)
    {
        var exception = Assert.Throws<ArgumentException>(() => LocalOptions.Parse(arguments));
        Assert.Contains(arguments[0], exception.Message, StringComparison.Ordinal);
    }
}
