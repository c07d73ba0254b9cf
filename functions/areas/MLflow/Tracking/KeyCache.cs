using System.Text;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Tracking;

/// <summary>Metric names as strings: clients send the same few ones without end, and each is made and checked once.</summary>
internal static class KeyCache
{
    private const int Slots = 4_096;
    private static readonly Entry?[] Entries = new Entry?[Slots];

    /// <summary>The checked name of these UTF-8 bytes.</summary>
    public static string Get(ReadOnlySpan<byte> utf8, string kind)
    {
        var hash = new HashCode();
        hash.AddBytes(utf8);
        ref var slot = ref Entries[hash.ToHashCode() & (Slots - 1)];
        if (slot is { } entry && utf8.SequenceEqual(entry.Utf8))
        {
            return entry.Key;
        }

        var key = Names.Key(Encoding.UTF8.GetString(utf8), kind);
        slot = new Entry(utf8.ToArray(), key);
        return key;
    }

    private sealed record Entry(byte[] Utf8, string Key);
}
