using System.Runtime.CompilerServices;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Numbers of 1 to 10 bytes, seven bits each, the smallest first; signed ones in zigzag order.</summary>
internal static class Varint
{
    public const int MaxBytes = 10;

    public static void Write(Span<byte> target, ref int position, ulong value)
    {
        while (value >= 0x80)
        {
            target[position++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[position++] = (byte)value;
    }

    public static void WriteSigned(Span<byte> target, ref int position, long value) => Write(target, ref position, (ulong)((value << 1) ^ (value >> 63)));

    // Most numbers have one byte: that case is worth a place at the caller.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(ReadOnlySpan<byte> source, ref int position)
    {
        ulong value = source[position];
        if (value >= 0x80)
        {
            return ReadLong(source, ref position);
        }

        position++;
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ReadSigned(ReadOnlySpan<byte> source, ref int position)
    {
        var value = Read(source, ref position);
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private static ulong ReadLong(ReadOnlySpan<byte> source, ref int position)
    {
        ulong value = 0;
        var at = position;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = source[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                position = at;
                return value;
            }
        }

        throw new InvalidDataException("A stored number does not end.");
    }
}
