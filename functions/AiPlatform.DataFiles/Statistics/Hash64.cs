using System.Runtime.InteropServices;

namespace AiPlatform.DataFiles.Statistics;

/// <summary>A fast 64-bit hash that is the same in every process, so that sketches can be stored and compared.</summary>
internal static class Hash64
{
    private const ulong Prime1 = 0x9E3779B97F4A7C15;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;

    /// <summary>The hash of a text.</summary>
    public static ulong Of(ReadOnlySpan<char> text)
    {
        var hash = Prime1 ^ ((ulong)text.Length * Prime2);
        var words = MemoryMarshal.Cast<char, ulong>(text);
        foreach (var word in words)
        {
            hash = Mix(hash ^ word, Prime2);
        }

        foreach (var c in text[(words.Length * 4)..])
        {
            hash = Mix(hash ^ c, Prime1);
        }

        return Mix(hash, Prime2);
    }

    /// <summary>The hash of a number.</summary>
    public static ulong Of(long value) => Mix((ulong)value ^ Prime1, Prime2);

    /// <summary>The hash of a number; 0 and -0 are equal.</summary>
    public static ulong Of(double value) => Of(BitConverter.DoubleToInt64Bits(value == 0 ? 0 : value));

    /// <summary>Adds the next part of a row to its hash.</summary>
    public static ulong Combine(ulong row, ulong cell) => Mix(row ^ cell, Prime1) + Prime2;

    private static ulong Mix(ulong value, ulong factor)
    {
        var high = Math.BigMul(value, factor, out var low);
        return high ^ low;
    }
}
