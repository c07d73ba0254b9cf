using System.Buffers.Binary;
using Amqp;

namespace AiPlatform.ServiceBusEmulator.Messages;

/// <summary>
/// Finds and replaces parts of encoded AMQP values without touching the bytes around them: what a sender encoded is given back as it
/// came, in whatever of the possible encodings it chose. Only for values that were decoded once and so are known to be well formed.
/// </summary>
internal static class AmqpBytes
{
    private const byte Described = 0x00;
    private const byte Null = 0x40;
    private const byte Uint = 0x70;
    private const byte List0 = 0x45;
    private const byte List8 = 0xc0;
    private const byte List32 = 0xd0;
    private const byte Map8 = 0xc1;
    private const byte Map32 = 0xd1;
    private const byte String8 = 0xa1;
    private const byte String32 = 0xb1;
    private const byte Symbol8 = 0xa3;
    private const byte Symbol32 = 0xb3;

    /// <summary>The position behind the value that begins at a position.</summary>
    internal static int Skip(ReadOnlySpan<byte> bytes, int at)
    {
        var code = bytes[at++];
        if (code == Described)
        {
            return Skip(bytes, Skip(bytes, at));
        }

        // The high half of a constructor says how wide the value is.
        return (code >> 4) switch
        {
            0x4 => at,
            0x5 => at + 1,
            0x6 => at + 2,
            0x7 => at + 4,
            0x8 => at + 8,
            0x9 => at + 16,
            0xa or 0xc or 0xe => at + 1 + bytes[at],
            0xb or 0xd or 0xf when BinaryPrimitives.ReadInt32BigEndian(bytes[at..]) is >= 0 and var size => at + 4 + size,
            _ => throw new FormatException($"0x{code:x2} is not a constructor of AMQP."),
        };
    }

    /// <summary>Whether the items of a map or list end where it says that it ends.</summary>
    internal static bool IsWhole(ReadOnlySpan<byte> compound)
    {
        var (at, items) = Content(compound);
        for (; items > 0 && at < compound.Length; items--)
        {
            at = Skip(compound, at);
        }

        return items == 0 && at == compound.Length;
    }

    /// <summary>A map with entries added or replaced, and without others; the entries that stay keep their bytes and their order.</summary>
    /// <param name="map">An encoded map, not described; empty for a new one.</param>
    /// <param name="isReplaced">Whether an entry goes, by its key.</param>
    /// <param name="added">Encoded keys and values, in turn.</param>
    /// <param name="addedItems">How many values these are.</param>
    /// <returns>Null when nothing is left.</returns>
    internal static byte[]? ChangeMap(ReadOnlySpan<byte> map, Func<object, bool> isReplaced, ReadOnlySpan<byte> added, int addedItems)
    {
        var kept = new ByteBuffer(map.Length + added.Length + 16, autoGrow: true);
        var items = addedItems;
        if (map.Length > 0)
        {
            var bytes = map.ToArray();
            for (var (at, left) = Content(bytes); left > 0; left -= 2)
            {
                var value = Skip(bytes, at);
                var next = Skip(bytes, value);
                if (!isReplaced(Amqp.Types.Encoder.ReadObject(new ByteBuffer(bytes, at, value - at, value - at))))
                {
                    AmqpBitConverter.WriteBytes(kept, bytes, at, next - at);
                    items += 2;
                }

                at = next;
            }
        }

        return items == 0 ? null : Compound(Map8, Map32, kept.Buffer.AsSpan(kept.Offset, kept.Length), added, items);
    }

    /// <summary>A list with another first value; the others keep their bytes.</summary>
    /// <param name="list">An encoded list, not described; empty for a new one.</param>
    /// <param name="first">The encoded value.</param>
    internal static byte[] ChangeFirst(ReadOnlySpan<byte> list, ReadOnlySpan<byte> first)
    {
        if (list.Length == 0)
        {
            return Compound(List8, List32, first, [], 1);
        }

        var (at, items) = Content(list);
        return items == 0 ? Compound(List8, List32, first, [], 1) : Compound(List8, List32, first, list[Skip(list, at)..], items);
    }

    /// <summary>Sets one of a list's values where it is an unsigned number of four bytes; any other value stays.</summary>
    /// <param name="list">An encoded list, not described.</param>
    /// <param name="index">The value's place in the list.</param>
    /// <param name="number">The new value.</param>
    internal static void SetUint(Span<byte> list, int index, uint number)
    {
        var (at, items) = Content(list);
        if (index >= items)
        {
            return;
        }

        for (; index > 0; index--)
        {
            at = Skip(list, at);
        }

        if (list[at] == Uint)
        {
            BinaryPrimitives.WriteUInt32BigEndian(list[(at + 1)..], number);
        }
    }

    /// <summary>Makes symbols of a map's keys that are strings, where the map is one of a list's values: the two differ in their constructors only.</summary>
    /// <param name="list">An encoded list, not described.</param>
    /// <param name="index">The map's place in the list.</param>
    internal static void MakeKeysSymbols(Span<byte> list, int index)
    {
        var (at, items) = Content(list);
        if (index >= items)
        {
            return;
        }

        for (; index > 0; index--)
        {
            at = Skip(list, at);
        }

        if (list[at] is not (Map8 or Map32))
        {
            return;
        }

        var map = list[at..Skip(list, at)];
        for (var (key, left) = Content(map); left > 0; left -= 2)
        {
            map[key] = map[key] switch
            {
                String8 => Symbol8,
                String32 => Symbol32,
                var code => code,
            };
            key = Skip(map, Skip(map, key));
        }
    }

    /// <summary>An encoded value.</summary>
    internal static byte[] Encode(object? value)
    {
        if (value is null)
        {
            return [Null];
        }

        var buffer = new ByteBuffer(64, autoGrow: true);
        Amqp.Types.Encoder.WriteObject(buffer, value);
        return EncodedMessage.ToArray(buffer);
    }

    // Where the items of a map or a list begin, and how many there are.
    private static (int At, int Items) Content(ReadOnlySpan<byte> compound) => compound[0] switch
    {
        List0 => (1, 0),
        List8 or Map8 => (3, compound[2]),
        List32 or Map32 => (9, BinaryPrimitives.ReadInt32BigEndian(compound[5..])),
        var code => throw new FormatException($"0x{code:x2} is neither a map nor a list."),
    };

    private static byte[] Compound(byte small, byte large, ReadOnlySpan<byte> one, ReadOnlySpan<byte> other, int items)
    {
        var size = one.Length + other.Length;
        var isSmall = size + 1 <= byte.MaxValue && items <= byte.MaxValue;
        var start = isSmall ? 3 : 9;
        var result = new byte[start + size];
        if (isSmall)
        {
            (result[0], result[1], result[2]) = (small, (byte)(size + 1), (byte)items);
        }
        else
        {
            result[0] = large;
            BinaryPrimitives.WriteInt32BigEndian(result.AsSpan(1), size + 4);
            BinaryPrimitives.WriteInt32BigEndian(result.AsSpan(5), items);
        }

        one.CopyTo(result.AsSpan(start));
        other.CopyTo(result.AsSpan(start + one.Length));
        return result;
    }
}
