using System.Runtime.InteropServices;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Which bucket a place belongs to.</summary>
internal interface IBucketGrid
{
    /// <summary>Whether the numbers of buckets mean the same for other series.</summary>
    static abstract bool IsCommon { get; }

    /// <summary>The number of the bucket; never smaller for a larger place.</summary>
    long IndexOf(long x);

    /// <summary>The last place of the bucket with this number: points up to there need no division of their own.</summary>
    long LastOf(long index);
}

/// <summary>Buckets of equal width between two places.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct EqualGrid(long first, long last, int buckets) : IBucketGrid
{
    private readonly Int128 _width = (Int128)last - first + 1;

    public static bool IsCommon => false;

    public long IndexOf(long x)
    {
        // Almost always the product fits: 128-bit division is many times slower.
        var distance = (Int128)x - first;
        return distance < long.MaxValue / buckets && _width <= long.MaxValue ? (long)distance * buckets / (long)_width : (long)(distance * buckets / _width);
    }

    // The largest distance for which distance * buckets < (index + 1) * width.
    public long LastOf(long index) => (long)(first + (((((Int128)index + 1) * _width) - 1) / buckets));
}

/// <summary>Buckets as wide as a power of two, with a border at zero.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct NestedGrid(int power) : IBucketGrid
{
    private const int MaxPower = 63;

    public static bool IsCommon => true;

    /// <summary>The smallest power, from <paramref name="least"/> on, with which so many buckets reach from one place to another.</summary>
    public static int Power(long first, long last, int buckets, int least)
    {
        var power = least;
        while (power < MaxPower && (Int128)(last >> power) - (first >> power) + 1 > buckets)
        {
            power++;
        }

        return power;
    }

    public long IndexOf(long x) => x >> power;

    public long LastOf(long index) => (index << power) | ~(-1L << power);
}
