using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace AiPlatform.Kernel.Postgres;

/// <summary>Identifiers: UUIDv7 as 32 lower-case hex digits, so that the order of ids is the order of creation.</summary>
/// <remarks>
/// The twelve bits behind the milliseconds are a fraction of the millisecond (RFC 9562, section 6.2, method 3), which counts up where ids
/// are made faster than that or the clock is set back: ids of one process never change their order.
/// </remarks>
public static class Ids
{
    private const int FractionBits = 12;

    // A clock of a test has a time of its own.
    private static readonly ConditionalWeakTable<TimeProvider, StrongBox<long>> Latest = [];

    /// <summary>A new id.</summary>
    public static string New(TimeProvider time)
    {
        var stamp = Next(time);
        Span<byte> bytes = stackalloc byte[16];
        _ = Guid.NewGuid().TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(bytes, ((stamp >> FractionBits) << 16) | 0x7000 | (stamp & ((1 << FractionBits) - 1)));
        return new Guid(bytes, bigEndian: true).ToString("N");
    }

    /// <summary>Whether the text has the shape of an id.</summary>
    public static bool IsId(string text) => text.Length == 32 && text.All(static c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    // Milliseconds since 1970 and their fraction.
    private static long Next(TimeProvider time)
    {
        var now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks;
        var (milliseconds, rest) = Math.DivRem(now, TimeSpan.TicksPerMillisecond);
        var stamp = (milliseconds << FractionBits) | ((rest << FractionBits) / TimeSpan.TicksPerMillisecond);
        var latest = Latest.GetValue(time, static _ => new StrongBox<long>());
        while (true)
        {
            var seen = Volatile.Read(ref latest.Value);
            var next = Math.Max(stamp, seen + 1);
            if (Interlocked.CompareExchange(ref latest.Value, next, seen) == seen)
            {
                return next;
            }
        }
    }
}
