using AiPlatform.Compute.Jobs;
using CsCheck;

namespace AiPlatform.Tests.Functions.Compute.Jobs;

public sealed class GangPackingTests
{
    private static readonly Gen<Capacity> Runner = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 8], (slots, gpus) => new Capacity(slots, gpus));
    private static readonly Gen<Capacity> Node = Gen.Int[0, 8].Select(gpus => new Capacity(1, gpus));

    [Fact]
    public void A_gang_fits_whole_or_not_at_all()
    {
        Capacity[] free = [new(1, 4), new(2, 2)];
        Assert.True(GangPacking.Fits(free, [], [new(1, 4), new(1, 2)]));
        Assert.False(GangPacking.Fits(free, [], [new(1, 4), new(1, 3)]));
        Assert.False(GangPacking.Fits(free, [], Enumerable.Repeat(new Capacity(1, 0), 4)));
    }

    [Fact]
    public void Promised_nodes_go_first_and_one_without_a_place_holds_nothing()
    {
        Capacity[] free = [new(1, 4), new(1, 0)];
        Assert.False(GangPacking.Fits(free, [new(1, 4)], [new(1, 4)]));
        Assert.True(GangPacking.Fits(free, [new(1, 0)], [new(1, 4)]));
        Assert.True(GangPacking.Fits(free, [new(1, 8)], [new(1, 4), new(1, 0)]));
    }

    [Fact]
    public void What_fits_never_exceeds_the_sum_of_what_is_free()
        => Gen.Select(Runner.Array[0, 6], Node.Array[1, 8]).Sample((free, gang) =>
        {
            if (GangPacking.Fits(free, [], gang))
            {
                Assert.True(gang.Length <= free.Sum(runner => runner.Slots));
                Assert.True(gang.Sum(node => node.Gpus) <= free.Sum(runner => runner.Gpus));
            }
        });

    [Fact]
    public void More_runners_never_make_a_gang_of_equal_nodes_unfit()
        => Gen.Select(Runner.Array[0, 6], Runner, Node, Gen.Int[1, 8]).Sample((free, more, node, count) =>
        {
            var gang = Enumerable.Repeat(node, count).ToArray();
            Assert.True(!GangPacking.Fits(free, [], gang) || GangPacking.Fits([.. free, more], [], gang));
        });
}
