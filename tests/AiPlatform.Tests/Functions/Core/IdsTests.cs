using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.Tests.Functions.Core;

public sealed class IdsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Ids_of_one_moment_keep_the_order_in_which_they_were_made()
    {
        var time = new FakeTimeProvider(Now);
        var ids = Enumerable.Range(0, 10_000).Select(_ => Ids.New(time)).ToList();
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public void A_clock_that_is_set_back_changes_no_order()
    {
        var time = new FakeTimeProvider(Now) { AutoAdvanceAmount = TimeSpan.FromTicks(3) };
        var first = Ids.New(time);
        time.AdjustTime(Now.AddHours(-1));
        Assert.True(string.CompareOrdinal(first, Ids.New(time)) < 0);
    }

    [Fact]
    public async Task Ids_that_are_made_at_the_same_time_differ_and_are_of_version_7()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(static _ => Task.Run(static () => Enumerable.Range(0, 5_000).Select(static _ => Ids.New(TimeProvider.System)).ToList())));
        Assert.All(ids, static own => Assert.Equal(own.Order(StringComparer.Ordinal), own));
        Assert.Equal(40_000, ids.SelectMany(static own => own).Distinct().Count());
        Assert.All(ids[0], static id =>
        {
            var guid = Guid.ParseExact(id, "N");
            Assert.True(Ids.IsId(id));
            Assert.Equal((7, 8), (guid.Version, guid.Variant & 0xC));
        });
    }

    [Fact]
    public void An_id_carries_its_moment()
        => Assert.Equal(Now.ToUnixTimeMilliseconds(), Convert.ToInt64(Ids.New(new FakeTimeProvider(Now))[..12], 16));
}
