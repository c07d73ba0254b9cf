namespace AiPlatform.DataFiles.Images;

/// <summary>A Huffman table of a JPEG.</summary>
internal sealed class JpegHuffman
{
    private const int MaxLength = 16;
    private const int FastBits = 9;

    private readonly byte[] _symbols;
    private readonly int[] _maxCode = new int[MaxLength + 1];
    private readonly int[] _offset = new int[MaxLength + 1];
    private readonly ushort[] _fast = new ushort[1 << FastBits];

    private JpegHuffman(byte[] symbols) => _symbols = symbols;

    /// <summary>Makes the table of 16 counts and the symbols behind them; null when they are no code.</summary>
    public static JpegHuffman? Create(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        var table = new JpegHuffman(symbols.ToArray());
        var (code, at) = (0, 0);
        for (var length = 1; length <= MaxLength; length++)
        {
            var count = counts[length - 1];
            table._offset[length] = at - code;
            for (var i = 0; i < count && length <= FastBits; i++)
            {
                var first = (code + i) << (FastBits - length);
                if (first + (1 << (FastBits - length)) > table._fast.Length)
                {
                    return null;
                }

                table._fast.AsSpan(first, 1 << (FastBits - length)).Fill((ushort)((length << 8) | symbols[at + i]));
            }

            (code, at) = (code + count, at + count);
            table._maxCode[length] = count > 0 ? code - 1 : -1;
            if (code > 1 << length)
            {
                return null;
            }

            code <<= 1;
        }

        return table;
    }

    /// <summary>The next symbol; -1 when the bits are none.</summary>
    public int Read(ref JpegBits bits)
    {
        var fast = _fast[bits.Peek(FastBits)];
        if (fast != 0)
        {
            bits.Skip(fast >> 8);
            return fast & 0xFF;
        }

        var code = bits.Peek(MaxLength);
        for (var length = 1; length <= MaxLength; length++)
        {
            var prefix = code >> (MaxLength - length);
            if (_maxCode[length] >= 0 && prefix <= _maxCode[length] && prefix + _offset[length] is >= 0 and var index && index < _symbols.Length)
            {
                bits.Skip(length);
                return _symbols[index];
            }
        }

        return -1;
    }
}
