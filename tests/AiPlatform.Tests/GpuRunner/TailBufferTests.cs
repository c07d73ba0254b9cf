using System.Text;
using AiPlatform.GpuRunner.Report;

namespace AiPlatform.Tests.GpuRunner;

public sealed class TailBufferTests
{
    private const int Size = 200;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void It_keeps_the_end_of_what_came_in_whole_characters_and_says_what_is_left_out(int seed)
    {
        var random = new Random(seed);
        var all = new List<byte>();
        var tail = new TailBuffer(Size);
        for (var round = 0; round < 300; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(0, 40)).Select(_ => ((string[])["a", "é", "中", "😀", "\n"])[random.Next(5)]));
            var bytes = Encoding.UTF8.GetBytes(text);
            all.AddRange(bytes);
            tail.Add(bytes);
            Assert.Equal(all.Count, tail.Total);

            var end = tail.Utf8(Size);
            Assert.True(end.Length <= Size);
            var shown = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(end);
            if (all.Count <= Size)
            {
                Assert.Equal(all, end);
                continue;
            }

            var line = shown.Split('\n')[0];
            var kept = end[(Encoding.UTF8.GetByteCount(line) + 1)..];
            Assert.True(kept.Length >= Size - 60, line);
            Assert.Equal(all[^kept.Length..], kept);
            Assert.Equal($"[aiplatform] {all.Count - kept.Length} bytes before this are left out", line);
        }
    }
}
