namespace AiPlatform.DataFiles.Images;

/// <summary>Follows the entropy-coded data of a scan block by block (ITU T.81, annexes F and G), without making the picture.</summary>
internal sealed class JpegScan
{
    private const int MaxMagnitude = 16;

    private readonly List<(JpegComponent Component, JpegHuffman? Dc, JpegHuffman? Ac)> _parts = [];
    private readonly JpegFrame _frame;
    private readonly int _first;
    private readonly int _last;
    private readonly int _high;
    private int _endRun;

    private JpegScan(JpegFrame frame, int first, int last, int high) => (_frame, _first, _last, _high) = (frame, first, last, high);

    /// <summary>Reads a scan's header; null when it says what cannot be, or a table is missing.</summary>
    public static JpegScan? Read(ReadOnlySpan<byte> segment, JpegFrame frame, JpegHuffman?[] dc, JpegHuffman?[] ac)
    {
        if (segment.Length < 1 || segment[0] is 0 or > 4 || segment.Length < 4 + (2 * segment[0]))
        {
            return null;
        }

        var spectral = segment[(1 + (2 * segment[0]))..];
        var scan = new JpegScan(frame, spectral[0], spectral[1], spectral[2] >> 4);
        if (frame.IsProgressive && (scan._first > scan._last || scan._last > 63 || (scan._first == 0 && scan._last > 0) || (scan._first > 0 && segment[0] > 1)))
        {
            return null;
        }

        for (var i = 0; i < segment[0]; i++)
        {
            var (id, tables) = (segment[1 + (2 * i)], segment[2 + (2 * i)]);
            if (frame.Components.FirstOrDefault(component => component.Id == id) is not { } component || (tables >> 4) > 3 || (tables & 15) > 3)
            {
                return null;
            }

            var (first, others) = (dc[tables >> 4], ac[tables & 15]);
            var needsDc = !frame.IsProgressive || (scan._first == 0 && scan._high == 0);
            var needsAc = !frame.IsProgressive || scan._first > 0;
            if ((needsDc && first is null) || (needsAc && others is null))
            {
                return null;
            }

            if (frame.IsProgressive && component.Known.Length == 0)
            {
                component.Known = new ulong[component.Columns * component.Rows];
            }

            component.IsScanned = true;
            scan._parts.Add((component, first, others));
        }

        return scan;
    }

    /// <summary>Follows the data.</summary>
    /// <param name="at">Where it begins; then where it ends.</param>
    /// <param name="interval">Units between restarts; 0 for none.</param>
    /// <returns>What is wrong, or null.</returns>
    public string? Follow(ReadOnlySpan<byte> bytes, ref int at, int interval)
    {
        var bits = new JpegBits(bytes, at);
        var single = _parts.Count == 1 ? _parts[0].Component : null;
        var columns = single is null ? Units(_frame.Width, 8 * _frame.MaxH) : Units(Units(_frame.Width * single.H, _frame.MaxH), 8);
        var rows = single is null ? Units(_frame.Height, 8 * _frame.MaxV) : Units(Units(_frame.Height * single.V, _frame.MaxV), 8);
        var unit = 0L;
        for (var y = 0; y < rows; y++)
        {
            for (var x = 0; x < columns; x++, unit++)
            {
                if (interval > 0 && unit > 0 && unit % interval == 0)
                {
                    _endRun = 0;
                    if (!bits.Restart((int)((unit / interval) - 1) % 8))
                    {
                        return bits.IsCut ? ImageProblem.Cut : ImageProblem.Data;
                    }
                }

                var isGood = single is null ? Interleaved(ref bits, x, y) : Block(ref bits, _parts[0].Dc, _parts[0].Ac, single, (y * single.Columns) + x);
                if (!isGood || bits.IsOver)
                {
                    at = bits.At;
                    return bits.IsCut ? ImageProblem.Cut : bits.IsOver ? ImageProblem.CutPicture : ImageProblem.Data;
                }
            }
        }

        at = bits.At;
        return bits.IsCut ? ImageProblem.Cut
            : bits.Unused > 1 || bytes[at] != 0xFF || bytes[at + 1] is >= 0xD0 and <= 0xD7 ? ImageProblem.LongPicture
            : null;
    }

    private static int Units(int size, int unit) => (size + unit - 1) / unit;

    private bool Interleaved(ref JpegBits bits, int x, int y)
    {
        foreach (var (component, dc, ac) in _parts)
        {
            for (var v = 0; v < component.V; v++)
            {
                for (var h = 0; h < component.H; h++)
                {
                    if (!Block(ref bits, dc, ac, component, (((y * component.V) + v) * component.Columns) + (x * component.H) + h))
                    {
                        return false;
                    }
                }
            }
        }

        return true;
    }

    private bool Block(ref JpegBits bits, JpegHuffman? dc, JpegHuffman? ac, JpegComponent component, int block)
    {
        if (!_frame.IsProgressive)
        {
            var known = 0UL;
            return First(ref bits, dc!) && Others(ref bits, ac!, ref known, 1, 63, isProgressive: false);
        }

        if (_first == 0)
        {
            return _high == 0 ? First(ref bits, dc!) : bits.Read(1) >= 0;
        }

        ref var found = ref component.Known[block];
        return _high == 0 ? Others(ref bits, ac!, ref found, _first, _last, isProgressive: true) : Refine(ref bits, ac!, ref found);
    }

    private static bool First(ref JpegBits bits, JpegHuffman table)
    {
        var size = table.Read(ref bits);
        if (size is < 0 or > MaxMagnitude)
        {
            return false;
        }

        if (size > 0)
        {
            bits.Read(size);
        }

        return true;
    }

    private bool Others(ref JpegBits bits, JpegHuffman table, ref ulong found, int from, int to, bool isProgressive)
    {
        if (_endRun > 0)
        {
            _endRun--;
            return true;
        }

        for (var k = from; k <= to; k++)
        {
            var symbol = table.Read(ref bits);
            if (symbol < 0)
            {
                return false;
            }

            var (run, size) = (symbol >> 4, symbol & 15);
            if (size == 0)
            {
                if (run == 15)
                {
                    k += 15;
                    continue;
                }

                if (!isProgressive)
                {
                    return run == 0;
                }

                _endRun = (1 << run) - 1 + (run > 0 ? bits.Read(run) : 0);
                return true;
            }

            k += run;
            if (k > to)
            {
                return false;
            }

            bits.Read(size);
            found |= 1UL << k;
        }

        return true;
    }

    private bool Refine(ref JpegBits bits, JpegHuffman table, ref ulong found)
    {
        var k = _first;
        while (_endRun == 0 && k <= _last)
        {
            var symbol = table.Read(ref bits);
            if (symbol < 0)
            {
                return false;
            }

            var (run, size) = (symbol >> 4, symbol & 15);
            if (size == 0 && run < 15)
            {
                _endRun = (1 << run) + (run > 0 ? bits.Read(run) : 0);
                break;
            }

            if (size > 1)
            {
                return false;
            }

            if (size == 1)
            {
                bits.Read(1);
            }

            for (; k <= _last; k++)
            {
                if ((found & (1UL << k)) != 0)
                {
                    bits.Read(1);
                }
                else if (run-- == 0)
                {
                    break;
                }
            }

            if (size == 1)
            {
                if (k > _last)
                {
                    return false;
                }

                found |= 1UL << k;
            }

            k++;
        }

        if (_endRun > 0)
        {
            for (; k <= _last; k++)
            {
                if ((found & (1UL << k)) != 0)
                {
                    bits.Read(1);
                }
            }

            _endRun--;
        }

        return true;
    }
}
