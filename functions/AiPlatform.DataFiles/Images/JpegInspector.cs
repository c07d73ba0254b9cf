using System.Buffers.Binary;

namespace AiPlatform.DataFiles.Images;

/// <summary>Walks the segments of a JPEG and follows the data of its scans to its end.</summary>
internal sealed class JpegInspector
{
    private readonly JpegHuffman?[] _dc = new JpegHuffman?[4];
    private readonly JpegHuffman?[] _ac = new JpegHuffman?[4];
    private readonly bool[] _quantization = new bool[4];
    private JpegFrame? _frame;
    private bool _isFollowed;
    private int _interval;
    private int _width;
    private int _height;
    private int _scans;

    /// <summary>What the frame's header says; zeros when it is cut off.</summary>
    public static (int Width, int Height) Size(ReadOnlySpan<byte> bytes)
    {
        for (var at = 2; at + 4 <= bytes.Length && bytes[at] == 0xFF;)
        {
            var marker = bytes[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }

            if (JpegFrame.IsFrame(marker))
            {
                return bytes.Length >= at + 9 ? JpegFrame.Size(bytes[(at + 4)..]) : (0, 0);
            }

            at += 2 + Math.Max((int)BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]), 2);
        }

        return (0, 0);
    }

    public static ImageInfo Inspect(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        var inspector = new JpegInspector();
        var problem = inspector.Walk(bytes);
        return new(ImageFormat.Jpeg, inspector._width, inspector._height, problem == ImageProblem.Cut && !isWhole && inspector._scans > 0 ? null : problem);
    }

    private string? Walk(ReadOnlySpan<byte> bytes)
    {
        for (var at = 2; ;)
        {
            if (at + 1 >= bytes.Length)
            {
                return ImageProblem.Cut;
            }

            if (bytes[at] != 0xFF)
            {
                return "a segment does not begin where it has to";
            }

            var marker = bytes[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }

            if (marker == 0xD9)
            {
                return AtEnd();
            }

            if (at + 4 > bytes.Length)
            {
                return ImageProblem.Cut;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < 2)
            {
                return "a segment has no length";
            }

            if (at + 2 + length > bytes.Length)
            {
                return ImageProblem.Cut;
            }

            var segment = bytes.Slice(at + 4, length - 2);
            at += 2 + length;
            if ((marker == 0xDA ? Scan(bytes, segment, ref at) : Segment(marker, segment)) is { } problem)
            {
                return problem;
            }
        }
    }

    private string? AtEnd() => ImageProblem.OfSize(_width, _height)
        ?? (_scans == 0 ? "there is no picture" : _isFollowed && _frame!.Components.Any(static component => !component.IsScanned) ? ImageProblem.CutPicture : null);

    private string? Segment(byte marker, ReadOnlySpan<byte> segment)
    {
        switch (marker)
        {
            case 0xC4:
                return Huffman(segment);
            case 0xDB:
                return Quantization(segment);
            case 0xDD:
                _interval = segment.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(segment) : 0;
                return segment.Length >= 2 ? null : ImageProblem.Header;
            case var frame when JpegFrame.IsFrame(frame):
                if (segment.Length < 6)
                {
                    return ImageProblem.Header;
                }

                (_width, _height) = JpegFrame.Size(segment);
                // Lossless, hierarchical and arithmetic pictures are walked, not followed.
                if (marker > 0xC2)
                {
                    return null;
                }

                _frame = JpegFrame.Read(segment, marker);
                _isFollowed = _frame is { IsFollowed: true };
                return _frame is null ? ImageProblem.Header : null;
            case < 0xC0:
                return "a segment is of no known kind";
            default:
                return null;
        }
    }

    private string? Huffman(ReadOnlySpan<byte> segment)
    {
        while (segment.Length >= 17)
        {
            var (target, count) = (segment[0], 0);
            foreach (var length in segment.Slice(1, 16))
            {
                count += length;
            }

            if (target >> 4 > 1 || (target & 15) > 3 || count > 256 || segment.Length < 17 + count
                || JpegHuffman.Create(segment.Slice(1, 16), segment.Slice(17, count)) is not { } table)
            {
                return "a table is broken";
            }

            (target >> 4 == 0 ? _dc : _ac)[target & 15] = table;
            segment = segment[(17 + count)..];
        }

        return segment.Length == 0 ? null : "a table is broken";
    }

    private string? Quantization(ReadOnlySpan<byte> segment)
    {
        while (segment.Length > 0)
        {
            var (target, bytes) = (segment[0] & 15, segment[0] >> 4 == 0 ? 64 : 128);
            if (segment[0] >> 4 > 1 || target > 3 || segment.Length < 1 + bytes)
            {
                return "a table is broken";
            }

            _quantization[target] = true;
            segment = segment[(1 + bytes)..];
        }

        return null;
    }

    private string? Scan(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> segment, ref int at)
    {
        _scans++;
        if (_frame is null && _width == 0)
        {
            return "a scan comes before the frame";
        }

        if (!_isFollowed)
        {
            at = EndOfScan(bytes, at);
            return at < 0 ? ImageProblem.Cut : null;
        }

        return _frame!.Components.Any(component => !_quantization[component.Quantization]) || JpegScan.Read(segment, _frame, _dc, _ac) is not { } scan
            ? "a table is missing"
            : scan.Follow(bytes, ref at, _interval);
    }

    // The marker behind the entropy-coded data: not a stuffed byte, not a restart.
    private static int EndOfScan(ReadOnlySpan<byte> bytes, int at)
    {
        while (at + 1 < bytes.Length)
        {
            var next = bytes[at..].IndexOf((byte)0xFF);
            if (next < 0 || at + next + 1 >= bytes.Length)
            {
                return -1;
            }

            at += next;
            if (bytes[at + 1] is not (0x00 or (>= 0xD0 and <= 0xD7) or 0xFF))
            {
                return at;
            }

            at += bytes[at + 1] == 0xFF ? 1 : 2;
        }

        return -1;
    }
}
