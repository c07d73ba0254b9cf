using AiPlatform.Local.Servers;
using AiPlatform.TaskHub.Engine;

namespace AiPlatform.Tests.DurableTask;

public sealed class EnginePartsTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void Each_part_of_the_engine_is_one_class_in_one_file_that_can_be_read_alone()
    {
        var files = Directory.GetFiles(Path.Combine(RepositoryFolders.Root, "orchestrations", "AiPlatform.TaskHub", "Engine"), "*.cs");

        Assert.Contains(files, static file => Path.GetFileName(file) == "HubEngine.cs");
        Assert.All(files, static file =>
        {
            var lines = File.ReadAllLines(file);
            Assert.InRange(lines.Length, 1, 400);
            Assert.DoesNotContain(lines, static line => line.Contains(" partial class ", StringComparison.Ordinal));
        });
    }

    [Fact]
    public async Task A_bell_that_is_rung_often_is_heard_once()
    {
        using var bell = new Bell();
        bell.Ring();
        bell.Ring();

        var first = bell.WaitAsync(Timeout.InfiniteTimeSpan, CancellationToken.None);
        var second = bell.WaitAsync(Timeout.InfiniteTimeSpan, CancellationToken.None);

        Assert.True(first.IsCompleted);
        Assert.False(second.IsCompleted);
        bell.Ring();
        await second.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_bell_that_nobody_rings_lets_go_on_after_the_time_given()
    {
        using var bell = new Bell();

        await bell.WaitAsync(Soon, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(bell.WaitAsync(Timeout.InfiniteTimeSpan, CancellationToken.None).IsCompleted);
    }
}
