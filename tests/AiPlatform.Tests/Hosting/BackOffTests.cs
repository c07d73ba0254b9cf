using AiPlatform.Hosting;
using CsCheck;

namespace AiPlatform.Tests.Hosting;

public sealed class BackOffTests
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData(1, 200)]
    [InlineData(2, 400)]
    [InlineData(3, 800)]
    [InlineData(7, 12_800)]
    [InlineData(8, 15_000)]
    [InlineData(int.MaxValue, 15_000)]
    [InlineData(0, 200)]
    public void The_ceiling_doubles_with_each_failure_up_to_the_longest(int failures, double milliseconds)
        => Assert.Equal(milliseconds, BackOff.Ceiling(failures, First, Longest).TotalMilliseconds);

    [Fact]
    public void A_wait_lies_between_nothing_and_the_ceiling()
        => Gen.Select(Gen.Int, Gen.Int[0, 10_000], Gen.Int[0, 100_000]).Sample((failures, first, longest) =>
        {
            var ceiling = BackOff.Ceiling(failures, TimeSpan.FromMilliseconds(first), TimeSpan.FromMilliseconds(longest));
            var wait = BackOff.After(failures, TimeSpan.FromMilliseconds(first), TimeSpan.FromMilliseconds(longest));
            return wait >= TimeSpan.Zero && wait <= ceiling && ceiling.TotalMilliseconds <= longest;
        });

    [Fact]
    public void Waits_of_many_are_spread()
    {
        var waits = Enumerable.Range(0, 1000).Select(_ => BackOff.After(1, First, Longest).TotalMilliseconds).ToList();
        Assert.InRange(waits.Average(), 80, 120);
        Assert.True(waits.Max() - waits.Min() > 150);
    }
}
