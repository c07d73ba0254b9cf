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

    /// <summary>Reads the header; null when it says what cannot be.</summary>
    public static JpegFrame? Read(ReadOnlySpan<byte> segment, int marker)
    {
        if (segment.Length < 6 || segment[5] is 0 or > 4 || segment.Length < 6 + (3 * segment[5]) || segment[0] is not (8 or 12))
        {
            return null;
        }

        var (height, width) = ((segment[1] << 8) | segment[2], (segment[3] << 8) | segment[4]);
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
