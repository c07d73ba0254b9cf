using System.Runtime.InteropServices;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Steps from <paramref name="First"/> to <paramref name="Last"/>, both included; none where the first is the larger one.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StepRange(long First, long Last)
{
    /// <summary>Every step.</summary>
    public static StepRange All { get; } = new(long.MinValue, long.MaxValue);

    /// <summary>The steps that are, as floating-point numbers, not below <paramref name="from"/> and not above <paramref name="to"/>.</summary>
    public static StepRange Of(double? from, double? to)
    {
        // Numbers beyond 2^53 are rounded: both ends are searched with the very comparison that they stand for.
        var below = from is { } begin ? CountWhile(step => step < begin) : 0;
        var upTo = to is { } end ? CountWhile(step => !(step > end)) : (UInt128)ulong.MaxValue + 1;
        return below > ulong.MaxValue || upTo == 0 ? new StepRange(long.MaxValue, long.MinValue) : new StepRange(Step(below), Step(upTo - 1));
    }

    /// <summary>Whether a step lies in here.</summary>
    public bool Contains(long step) => First <= step && step <= Last;

    /// <summary>Whether a step of the part may lie in here.</summary>
    public bool Overlaps(in SeriesPart part) => First <= part.LastStep && part.FirstStep <= Last;

    /// <summary>Whether every step of the part lies in here.</summary>
    public bool Covers(in SeriesPart part) => First <= part.FirstStep && part.LastStep <= Last;

    /// <summary>What lies in both.</summary>
    public StepRange And(StepRange other) => new(Math.Max(First, other.First), Math.Min(Last, other.Last));

    // How many of all steps, from the smallest on, have a property that holds for those up to one of them.
    private static UInt128 CountWhile(Func<double, bool> holds)
    {
        UInt128 low = 0, high = (UInt128)ulong.MaxValue + 1;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (holds(Step(middle)))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static long Step(UInt128 index) => unchecked((long)((ulong)index + 0x8000_0000_0000_0000));
}
