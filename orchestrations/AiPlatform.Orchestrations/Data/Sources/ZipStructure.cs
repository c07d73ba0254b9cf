using System.Buffers.Binary;
using System.Text;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>
/// Reads the directory of a zip archive and the header before each entry, and verifies what the runtime's reader takes on trust: that
/// both say the same, that entries do not lie over each other, and that the archive ends where it says.
/// </summary>
internal static class ZipStructure
{
    private const uint EndMark = 0x06054B50, End64Mark = 0x06064B50, Locator64Mark = 0x07064B50, EntryMark = 0x02014B50, LocalMark = 0x04034B50;
    private const int EndBytes = 22, Locator64Bytes = 20, End64Bytes = 56, EntryBytes = 46, LocalBytes = 30;
    private const int MaxDirectoryBytes = 64 << 20;
    private const int Encrypted = 1, SizesFollow = 8;

    /// <summary>Looks at every entry.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged; the message names the entry.</exception>
    public static async Task RequireSoundAsync(Stream stream, long size, CancellationToken cancellationToken)
    {
        var (start, length, count) = await EndAsync(stream, size, cancellationToken);
        var directory = new byte[length];
        stream.Position = start;
        await stream.ReadExactlyAsync(directory, cancellationToken);
        var entries = Entries(directory, count);
        var end = 0L;
        foreach (var entry in entries.OrderBy(static entry => entry.Offset))
        {
            if (entry.Offset < end)
            {
                throw new InvalidDataException($"The entry “{entry.Name}” lies over another one.");
            }

            end = await LocalAsync(stream, entry, start, cancellationToken);
        }
    }

    private static async Task<(long Start, int Length, long Count)> EndAsync(Stream stream, long size, CancellationToken cancellationToken)
    {
        var tail = new byte[(int)Math.Min(size, EndBytes + ushort.MaxValue + Locator64Bytes)];
        stream.Position = size - tail.Length;
        await stream.ReadExactlyAsync(tail, cancellationToken);
        for (var at = tail.Length - EndBytes; at >= 0; at--)
        {
            var record = tail.AsSpan(at);
            if (U32(record, 0) != EndMark || U16(record, 20) != record.Length - EndBytes)
            {
                continue;
            }

            if (U16(record, 4) != U16(record, 6) && U16(record, 4) != ushort.MaxValue)
            {
                throw new InvalidDataException("The archive is one of several parts.");
            }

            var (count, length, start) = ((long)U16(record, 10), (long)U32(record, 12), (long)U32(record, 16));
            var end = size - tail.Length + at;
            if (at >= Locator64Bytes && U32(tail.AsSpan(at - Locator64Bytes), 0) == Locator64Mark)
            {
                end = (long)U64(tail.AsSpan(at - Locator64Bytes), 8);
                (count, length, start) = await End64Async(stream, end, size, cancellationToken);
            }

            if (start < 0 || length < 0 || length > MaxDirectoryBytes || start + length != end)
            {
                throw new InvalidDataException("The directory is not where the archive says.");
            }

            return (start, (int)length, count);
        }

        throw new InvalidDataException("The archive is cut off, or something follows its end.");
    }

    private static async Task<(long Count, long Length, long Start)> End64Async(Stream stream, long at, long size, CancellationToken cancellationToken)
    {
        var record = new byte[End64Bytes];
        if (at < 0 || at > size - End64Bytes)
        {
            throw new InvalidDataException("The directory is not where the archive says.");
        }

        stream.Position = at;
        await stream.ReadExactlyAsync(record, cancellationToken);
        return U32(record, 0) == End64Mark
            ? ((long)U64(record, 32), (long)U64(record, 40), (long)U64(record, 48))
            : throw new InvalidDataException("The directory is not where the archive says.");
    }

    private static List<Entry> Entries(byte[] directory, long count)
    {
        var entries = new List<Entry>();
        var at = 0;
        while (at < directory.Length)
        {
            var record = directory.AsSpan(at);
            if (record.Length < EntryBytes || U32(record, 0) != EntryMark)
            {
                throw new InvalidDataException($"The directory is damaged behind entry {entries.Count}.");
            }

            var (name, extra, comment) = (U16(record, 28), U16(record, 30), U16(record, 32));
            if (EntryBytes + name + extra + comment > record.Length)
            {
                throw new InvalidDataException($"The directory is damaged behind entry {entries.Count}.");
            }

            entries.Add(Entry.Of(record, record.Slice(EntryBytes, name), record.Slice(EntryBytes + name, extra)));
            at += EntryBytes + name + extra + comment;
        }

        return entries.Count == count ? entries : throw new InvalidDataException($"The directory has {entries.Count} entries and announces {count}.");
    }

    /// <summary>Compares the header before an entry; gives where its content ends.</summary>
    private static async Task<long> LocalAsync(Stream stream, Entry entry, long limit, CancellationToken cancellationToken)
    {
        var header = new byte[LocalBytes + entry.RawName.Length];
        if (entry.Offset > limit - header.Length)
        {
            throw new InvalidDataException($"The entry “{entry.Name}” is not where the directory says.");
        }

        stream.Position = entry.Offset;
        await stream.ReadExactlyAsync(header, cancellationToken);
        if (U32(header, 0) != LocalMark || !header.AsSpan(LocalBytes).SequenceEqual(entry.RawName) || U16(header, 26) != entry.RawName.Length
            || U16(header, 8) != entry.Method || ((U16(header, 6) ^ entry.Flags) & Encrypted) != 0)
        {
            throw new InvalidDataException($"The header of the entry “{entry.Name}” is not what the directory says.");
        }

        // Where the sizes follow the content, and where they are too large for this place, the header has none.
        if ((U16(header, 6) & SizesFollow) == 0
            && (U32(header, 14) != entry.Crc || !Same(U32(header, 18), entry.Packed) || !Same(U32(header, 22), entry.Length)))
        {
            throw new InvalidDataException($"Checksum or size in the header of the entry “{entry.Name}” are not what the directory says.");
        }

        var end = entry.Offset + header.Length + U16(header, 28) + entry.Packed;
        return end <= limit ? end : throw new InvalidDataException($"The entry “{entry.Name}” is cut off.");
    }

    private static bool Same(uint small, long size) => small == uint.MaxValue || small == size;

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private sealed record Entry(byte[] RawName, ushort Flags, ushort Method, uint Crc, long Packed, long Length, long Offset)
    {
        private const int Extra64 = 1;

        public string Name => Encoding.UTF8.GetString(RawName);

        public static Entry Of(ReadOnlySpan<byte> record, ReadOnlySpan<byte> name, ReadOnlySpan<byte> extra)
        {
            var (packed, length, offset) = ((long)U32(record, 20), (long)U32(record, 24), (long)U32(record, 42));
            while (extra.Length >= 4)
            {
                var (id, size) = (U16(extra, 0), U16(extra, 2));
                var field = extra[4..Math.Min(4 + size, extra.Length)];
                if (id == Extra64)
                {
                    length = Take(length, ref field);
                    packed = Take(packed, ref field);
                    offset = Take(offset, ref field);
                }

                extra = extra[Math.Min(4 + size, extra.Length)..];
            }

            return packed < 0 || length < 0 || offset < 0
                ? throw new InvalidDataException($"The sizes of the entry “{Encoding.UTF8.GetString(name)}” are no sizes.")
                : new Entry(name.ToArray(), U16(record, 8), U16(record, 10), U32(record, 16), packed, length, offset);
        }

        // The field has only those numbers that are too large for their usual place, in a fixed order.
        private static long Take(long small, ref ReadOnlySpan<byte> field)
        {
            if (small != uint.MaxValue || field.Length < 8)
            {
                return small;
            }

            var value = (long)U64(field, 0);
            field = field[8..];
            return value;
        }
    }
}
