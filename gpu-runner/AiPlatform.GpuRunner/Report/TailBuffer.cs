using System.Globalization;
using System.Text;

namespace AiPlatform.GpuRunner.Report;

/// <summary>The last bytes of a stream.</summary>
/// <param name="size">How many are kept.</param>
internal sealed class TailBuffer(int size)
{
    private readonly byte[] _bytes = new byte[size];

    /// <summary>All bytes that came.</summary>
    public long Total { get; private set; }

    /// <summary>Takes bytes in.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > size)
        {
            Total += bytes.Length - size;
            bytes = bytes[^size..];
        }

        var start = (int)(Total % size);
        var first = Math.Min(bytes.Length, size - start);
        bytes[..first].CopyTo(_bytes.AsSpan(start));
        bytes[first..].CopyTo(_bytes);
        Total += bytes.Length;
    }

    /// <summary>What is kept, as text.</summary>
    public string Text() => Encoding.UTF8.GetString(Kept());

    /// <summary>What is kept, as UTF-8 that begins with a whole character and, where something is left out, with a line that says so.</summary>
    /// <param name="limit">Bytes at most, that line included.</param>
    public byte[] Utf8(int limit)
    {
        var kept = Kept();
        if (Total <= limit && Total <= size)
        {
            return kept;
        }

        // The length of the line depends on its number only by a digit: the longest number makes room for every other.
        var room = Math.Max(0, limit - Line(Total).Length);
        var start = Math.Max(0, kept.Length - room);
        while (start < kept.Length && (kept[start] & 0xC0) == 0x80)
        {
            start++;
        }

        return [.. Line(Total - (kept.Length - start)), .. kept.AsSpan(start)];
    }

    private static byte[] Line(long bytes)
        => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"[aiplatform] {bytes} bytes before this are left out\n"));

    private byte[] Kept()
    {
        if (Total <= size)
        {
            return _bytes[..(int)Total];
        }

        var start = (int)(Total % size);
        return [.. _bytes.AsSpan(start), .. _bytes.AsSpan(0, start)];
    }
}
