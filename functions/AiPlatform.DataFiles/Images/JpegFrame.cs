namespace AiPlatform.DataFiles.Images;

/// <summary>What the header of a JPEG's frame says.</summary>
internal sealed class JpegFrame
{
    private const long MaxBlocks = 16_000_000;

    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>Whether the picture comes in refinements.</summary>
    public required bool IsProgressive { get; init; }

    public required IReadOnlyList<JpegComponent> Components { get; init; }

    public int MaxH => Components.Max(static component => component.H);

    public int MaxV => Components.Max(static component => component.V);

    /// <summary>Whether a marker begins a frame: SOF0 to SOF15 without DHT, JPG and DAC.</summary>
    public static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    /// <summary>The size that a frame's header says.</summary>
    /// <param name="segment">At least five bytes.</param>
    public static (int Width, int Height) Size(ReadOnlySpan<byte> segment) => ((segment[3] << 8) | segment[4], (segment[1] << 8) | segment[2]);

    /// <summary>Reads the header; null when it says what cannot be.</summary>
    public static JpegFrame? Read(ReadOnlySpan<byte> segment, int marker)
    {
        if (segment.Length < 6 || segment[5] is 0 or > 4 || segment.Length < 6 + (3 * segment[5]) || segment[0] is not (8 or 12))
        {
            return null;
        }

        var (width, height) = Size(segment);
        var parts = new List<(int Id, int H, int V, int Table)>();
        for (var i = 0; i < segment[5]; i++)
        {
            var part = segment.Slice(6 + (3 * i), 3);
            if (part[1] >> 4 is 0 or > 4 || (part[1] & 15) is 0 or > 4 || part[2] > 3)
            {
                return null;
            }

            parts.Add((part[0], part[1] >> 4, part[1] & 15, part[2]));
        }

        var (maxH, maxV) = (parts.Max(static part => part.H), parts.Max(static part => part.V));
        var (unitsX, unitsY) = ((width + (8 * maxH) - 1) / (8 * maxH), (height + (8 * maxV) - 1) / (8 * maxV));
        return new JpegFrame
        {
            Width = width,
            Height = height,
            IsProgressive = marker == 0xC2,
            Components = [.. parts.Select(part => new JpegComponent(part.Id, part.H, part.V, part.Table, unitsX * part.H, unitsY * part.V))],
        };
    }

    /// <summary>Whether the picture is small enough to follow its data.</summary>
    public bool IsFollowed => Height > 0 && Components.Sum(static component => (long)component.Columns * component.Rows) <= MaxBlocks;
}
