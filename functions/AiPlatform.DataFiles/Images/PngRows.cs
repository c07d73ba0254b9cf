namespace AiPlatform.DataFiles.Images;

/// <summary>Holds the inflated bytes of a PNG against its size: each row begins with a filter, interlaced pictures have seven passes.</summary>
internal sealed class PngRows
{
    // Where the pixels of each pass begin, and their distances (Adam7).
    private static readonly (int X, int Y, int StepX, int StepY)[] Passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    private readonly Queue<(long Bytes, long Rows)> _passes = new();
    private long _rowBytes;
    private long _rows;
    private long _at;

    public PngRows(int width, int height, int bits, bool isInterlaced)
    {
        foreach (var (x, y, stepX, stepY) in isInterlaced ? Passes : [(0, 0, 1, 1)])
        {
            var (columns, rows) = (((long)width - x + stepX - 1) / stepX, ((long)height - y + stepY - 1) / stepY);
            if (width > x && height > y)
            {
                _passes.Enqueue((1 + (((columns * bits) + 7) / 8), rows));
            }
        }

        NextPass();
    }

    /// <summary>Whether every row was there.</summary>
    public bool IsComplete => _rows == 0 && _passes.Count == 0;

    /// <summary>Takes inflated bytes; what is wrong with them, or null.</summary>
    public string? Add(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_rows == 0)
            {
                return ImageProblem.LongPicture;
            }

            if (_at == 0 && bytes[0] > 4)
            {
                return "a row has a filter that does not exist";
            }

            var taken = (int)Math.Min(bytes.Length, _rowBytes - _at);
            _at += taken;
            bytes = bytes[taken..];
            if (_at == _rowBytes)
            {
                (_at, _rows) = (0, _rows - 1);
                if (_rows == 0)
                {
                    NextPass();
                }
            }
        }

        return null;
    }

    private void NextPass()
    {
        if (_passes.TryDequeue(out var pass))
        {
            (_rowBytes, _rows) = pass;
        }
    }
}
