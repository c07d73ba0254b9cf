namespace AiPlatform.DataFiles.Images;

/// <summary>Gives the bits of a JPEG's entropy-coded data, up to the next marker.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> bytes, int at)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private ulong _buffer;
    private int _held;
    private int _lent;

    /// <summary>Where the next byte is read.</summary>
    public int At { get; private set; } = at;

    /// <summary>Whether more bits were taken than there are.</summary>
    public readonly bool IsOver => _held < _lent;

    /// <summary>Whether the bytes end where a marker should be.</summary>
    public readonly bool IsCut => At + 1 >= _bytes.Length;

    /// <summary>Whole bytes that were fetched but not used.</summary>
    public readonly int Unused => Math.Max(0, _held - _lent) / 8;

    /// <summary>The next bits without taking them; zeros behind the end.</summary>
    public int Peek(int count)
    {
        while (_held < count)
        {
            _buffer <<= 8;
            _held += 8;
            if (At < _bytes.Length && _bytes[At] != 0xFF)
            {
                _buffer |= _bytes[At++];
            }
            else if (At + 1 < _bytes.Length && _bytes[At + 1] == 0)
            {
                _buffer |= 0xFF;
                At += 2;
            }
            else
            {
                // A marker, or the end: what is lent must not be used.
                _lent += 8;
            }
        }

        return (int)((_buffer >> (_held - count)) & ((1UL << count) - 1));
    }

    /// <summary>Takes bits that were looked at.</summary>
    public void Skip(int count) => _held -= count;

    /// <summary>Takes bits.</summary>
    public int Read(int count)
    {
        var bits = Peek(count);
        _held -= count;
        return bits;
    }

    /// <summary>Goes on behind a restart marker of that number; false when it is not there.</summary>
    public bool Restart(int number)
    {
        if (Unused > 0 || IsOver || At + 1 >= _bytes.Length || _bytes[At] != 0xFF || _bytes[At + 1] != 0xD0 + number)
        {
            return false;
        }

        (_buffer, _held, _lent, At) = (0, 0, 0, At + 2);
        return true;
    }
}
