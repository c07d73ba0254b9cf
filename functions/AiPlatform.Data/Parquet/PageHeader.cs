namespace AiPlatform.Data.Parquet;

/// <summary>
/// The header in front of each page of a column, as far as it matters for finding pages: read by ourselves, so that a preview decodes
/// the first pages only and no page of a hostile file is decoded before its sizes were looked at.
/// Source of the contract: parquet.thrift, struct PageHeader, in the compact protocol.
/// </summary>
/// <param name="IsDictionary">A dictionary page holds no rows.</param>
/// <param name="Values">Values of a data page, nulls included.</param>
/// <param name="HeaderBytes">Bytes of the header itself.</param>
/// <param name="CompressedBytes">Bytes of the page behind it.</param>
/// <param name="UncompressedBytes">Bytes of the page when it is decompressed.</param>
internal readonly record struct PageHeader(bool IsDictionary, int Values, int HeaderBytes, int CompressedBytes, int UncompressedBytes)
{
    private const int DataPage = 0;
    private const int DictionaryPage = 2;
    private const int DataPageV2 = 3;
    private const int MaxDepth = 8;

    /// <summary>Reads a header; null when it goes on behind the given bytes.</summary>
    /// <exception cref="DataFormatException">It is no header.</exception>
    public static PageHeader? TryRead(ReadOnlySpan<byte> bytes)
    {
        var reader = new Reader(bytes);
        var (type, uncompressed, compressed, values) = (-1L, -1L, -1L, 0L);
        var field = 0;
        while (reader.Field(ref field) is var kind && kind != Reader.Stop)
        {
            switch (field)
            {
                case 1:
                    type = reader.Number();
                    break;
                case 2:
                    uncompressed = reader.Number();
                    break;
                case 3:
                    compressed = reader.Number();
                    break;
                case 5 or 7 or 8 when kind == Reader.Struct:
                    values = reader.FirstNumber();
                    break;
                default:
                    reader.Skip(kind, MaxDepth);
                    break;
            }
        }

        if (reader.IsShort)
        {
            return null;
        }

        // An entry of a dictionary has at least one byte.
        var isKnown = type is DataPage or DictionaryPage or DataPageV2 && uncompressed is >= 0 and <= int.MaxValue && compressed is >= 0 and <= int.MaxValue && values is >= 0 and <= int.MaxValue
            && (type != DictionaryPage || values <= uncompressed);
        return isKnown && !reader.IsBroken
            ? new PageHeader(type == DictionaryPage, type == DictionaryPage ? 0 : (int)values, reader.Position, (int)compressed, (int)uncompressed)
            : throw new DataFormatException(DataErrors.ParquetCorrupt, "A page has no valid header.");
    }

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        public const int Stop = 0;
        public const int Struct = 12;
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public int Position { get; private set; }

        /// <summary>Whether the bytes ended too early.</summary>
        public bool IsShort { get; private set; }

        public bool IsBroken { get; private set; }

        /// <summary>The kind of the next field; <see cref="Stop"/> at the end of the struct.</summary>
        public int Field(ref int id)
        {
            var head = Byte();
            if (IsShort || IsBroken || head == 0)
            {
                return Stop;
            }

            id = head >> 4 == 0 ? (int)Number() : id + (head >> 4);
            return head & 0x0F;
        }

        /// <summary>A zigzag number.</summary>
        public long Number()
        {
            var value = Unsigned();
            return (long)(value >> 1) ^ -(long)(value & 1);
        }

        /// <summary>Field 1 of a struct.</summary>
        public long FirstNumber()
        {
            var (value, field) = (0L, 0);
            while (Field(ref field) is var kind && kind != Stop)
            {
                if (field == 1 && kind is 4 or 5 or 6)
                {
                    value = Number();
                }
                else
                {
                    Skip(kind, MaxDepth);
                }
            }

            return value;
        }

        public void Skip(int kind, int depth)
        {
            switch (kind)
            {
                case 1 or 2:
                    break;
                case 3:
                    Byte();
                    break;
                case 4 or 5 or 6:
                    Unsigned();
                    break;
                case 7:
                    Advance(8);
                    break;
                case 8:
                    Advance((long)Unsigned());
                    break;
                case 9 or 10 when depth > 0:
                    SkipList(depth);
                    break;
                case Struct when depth > 0:
                    var field = 0;
                    while (Field(ref field) is var inner && inner != Stop)
                    {
                        Skip(inner, depth - 1);
                    }

                    break;
                default:
                    IsBroken = true;
                    break;
            }
        }

        private void SkipList(int depth)
        {
            var head = Byte();
            var (count, kind) = (head >> 4 == 15 ? (long)Unsigned() : head >> 4, head & 0x0F);
            for (var i = 0L; i < count && !IsShort && !IsBroken; i++)
            {
                // A truth value is in the kind of a field, but a byte of its own in a list.
                Skip(kind is 1 or 2 ? 3 : kind, depth - 1);
            }
        }

        private ulong Unsigned()
        {
            var (value, shift) = (0UL, 0);
            while (true)
            {
                var next = Byte();
                value |= (ulong)(next & 0x7F) << shift;
                shift += 7;
                if ((next & 0x80) == 0 || IsShort)
                {
                    return value;
                }

                if (shift > 63)
                {
                    IsBroken = true;
                    return value;
                }
            }
        }

        private void Advance(long count)
        {
            if (count < 0 || count > _bytes.Length - Position)
            {
                IsShort = true;
                return;
            }

            Position += (int)count;
        }

        private int Byte()
        {
            if (Position < _bytes.Length)
            {
                return _bytes[Position++];
            }

            IsShort = true;
            return 0;
        }
    }
}
