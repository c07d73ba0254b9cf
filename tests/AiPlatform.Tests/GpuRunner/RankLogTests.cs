using System.Text;
using AiPlatform.GpuRunner.Report;

namespace AiPlatform.Tests.GpuRunner;

public sealed class RankLogTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"aip-log-{Guid.NewGuid():N}");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public async Task The_last_error_lines_are_kept_even_when_the_file_is_full()
    {
        await using var log = new RankLog(_path, 10);
        await log.CaptureAsync(Text(new string('x', 20_000) + "\n"), isError: false);
        await log.CaptureAsync(Text(string.Concat(Enumerable.Range(0, 3000).Select(i => $"line {i}\n"))), isError: true);
        Assert.EndsWith("line 2998\nline 2999", log.LastLines(), StringComparison.Ordinal);
        Assert.Equal(12, log.LastLines().Split('\n').Length);
        Assert.Equal("xxxxxxxxxx\n[aiplatform] log truncated: the limit of 10 bytes is reached\n", await File.ReadAllTextAsync(_path));
    }

    [Fact]
    public async Task Without_error_output_the_normal_output_is_the_reason()
    {
        await using var log = new RankLog(_path, 1000);
        await log.CaptureAsync(Text("only this\n\n"), isError: false);
        await log.CaptureAsync(Text("\n"), isError: true);
        Assert.Equal("only this", log.LastLines());
    }

    [Fact]
    public async Task Output_is_read_to_its_end_while_the_disk_is_full()
    {
        await using var log = new RankLog("/dev/full", 1_000_000);
        using var output = Text(string.Concat(Enumerable.Range(0, 30_000).Select(i => $"line {i}\n")));
        await log.CaptureAsync(output, isError: true);
        Assert.Equal(output.Length, output.Position);
        Assert.EndsWith("line 29999", log.LastLines(), StringComparison.Ordinal);
    }

    private static MemoryStream Text(string text) => new(Encoding.UTF8.GetBytes(text));
}
