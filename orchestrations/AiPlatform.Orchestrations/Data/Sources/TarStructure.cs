using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>
/// Walks the blocks of a tar archive and verifies what the runtime's reader takes on trust: the checksum of every header, that each
/// entry is there to its end, the end mark, and that nothing follows it.
/// </summary>
internal static class TarStructure
{
    private const int Block = 512;
    private const int MaxAttributes = 1 << 20;
    private const int SizeAt = 124, SizeLength = 12, SumAt = 148, SumLength = 8, TypeAt = 156, PrefixAt = 345, PrefixLength = 155;

    /// <summary>Looks at the whole archive.</summary>
    /// <exception cref="InvalidDataException">It is damaged; the message names the entry.</exception>
    public static async Task RequireWholeAsync(Stream stream, long size, CancellationToken cancellationToken)
    {
        var header = new byte[Block];
        string? previous = null;
        long? announced = null;
        for (var at = 0L; ;)
        {
            stream.Position = at;
            if (at + Block > size || await stream.ReadAtLeastAsync(header, Block, throwOnEndOfStream: false, cancellationToken) < Block)
            {
                throw new InvalidDataException(previous is null ? "The end mark is missing." : $"The archive is cut off after the entry {previous}.");
            }

            if (!header.AsSpan().ContainsAnyExcept((byte)0))
            {
                await RequireZerosAsync(stream, at + Block, cancellationToken);
                return;
            }

            var name = Name(header);
            if (!HasSum(header))
            {
                throw new InvalidDataException($"The checksum of the header of {Quote(name)} is wrong.");
            }

            var type = (char)header[TypeAt];
            var length = Number(header.AsSpan(SizeAt, SizeLength), name);
            if (type is not ('x' or 'g' or 'L' or 'K'))
            {
                // A link or a folder has no content, whatever size it names.
                length = type is '1' or '2' or '3' or '4' or '5' or '6' ? 0 : announced ?? length;
                announced = null;
            }

            if (length > size - at - Block)
            {
                throw new InvalidDataException($"The entry {Quote(name)} is cut off.");
            }

            if (type == 'x')
            {
                announced = await SizeAttributeAsync(stream, (int)Math.Min(length, MaxAttributes), cancellationToken);
            }

            previous = Quote(name);
            at += Block + ((length + Block - 1) / Block * Block);
        }
    }

    private static async Task RequireZerosAsync(Stream stream, long from, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        stream.Position = from;
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            var other = buffer.AsSpan(0, read).IndexOfAnyExcept((byte)0);
            if (other >= 0)
            {
                throw new InvalidDataException($"Something follows the end of the archive, at byte {from + other}.");
            }

            from += read;
        }
    }

    // The sum of the bytes, with blanks for the sum itself; old writers added signed bytes.
    private static bool HasSum(ReadOnlySpan<byte> header)
    {
        var (unsigned, signed) = (0L, 0L);
        for (var i = 0; i < Block; i++)
        {
            var value = i is >= SumAt and < SumAt + SumLength ? (byte)' ' : header[i];
            unsigned += value;
            signed += (sbyte)value;
        }

        return TryOctal(header.Slice(SumAt, SumLength), out var sum) && (sum == unsigned || sum == signed);
    }

    private static long Number(ReadOnlySpan<byte> field, string name)
    {
        if ((field[0] & 0x80) == 0)
        {
            return TryOctal(field, out var octal) ? octal : throw new InvalidDataException($"The size of the entry {Quote(name)} is no number.");
        }

        // GNU's form of sizes over 8 GiB: a big-endian number behind a mark.
        var value = BinaryPrimitives.ReadInt64BigEndian(field[^8..]);
        return field[0] == 0x80 && !field[1..^8].ContainsAnyExcept((byte)0) && value >= 0
            ? value
            : throw new InvalidDataException($"The size of the entry {Quote(name)} is no number.");
    }

    private static bool TryOctal(ReadOnlySpan<byte> field, out long value)
    {
        value = 0;
        foreach (var digit in field.Trim(" \0"u8))
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return false;
            }

            value = (value << 3) + digit - '0';
        }

        return true;
    }

    // The record "size" of extended attributes ("17 size=123456789\n") stands for sizes over 8 GiB.
    private static async Task<long?> SizeAttributeAsync(Stream stream, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        long? size = null;
        for (var rest = bytes.AsMemory(); rest.Length > 0;)
        {
            var blank = rest.Span.IndexOf((byte)' ');
            if (blank < 1 || !int.TryParse(rest.Span[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count <= blank + 1 || count > rest.Length)
            {
                break;
            }

            var record = rest.Span[(blank + 1)..count].TrimEnd((byte)'\n');
            if (record.StartsWith("GNU.sparse."u8))
            {
                throw new InvalidDataException("Sparse files cannot be read: make the archive without --sparse.");
            }

            if (record.StartsWith("size="u8) && long.TryParse(record["size=".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                size = value;
            }

            rest = rest[count..];
        }

        return size;
    }

    private static string Name(ReadOnlySpan<byte> header)
    {
        var name = Text(header[..100]);
        var prefix = header[257..].StartsWith("ustar\0"u8) ? Text(header.Slice(PrefixAt, PrefixLength)) : string.Empty;
        return prefix.Length == 0 ? name : $"{prefix}/{name}";
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    private static string Quote(string name) => $"“{name}”";
}
