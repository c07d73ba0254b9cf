using System.Buffers.Binary;

namespace AiPlatform.DataFiles.Images;

/// <summary>Reads the first directory of a TIFF and looks whether the strips or tiles that it names lie inside of the file.</summary>
internal static class TiffInspector
{
    private const int Width = 256, Height = 257, StripOffsets = 273, StripCounts = 279, TileOffsets = 324, TileCounts = 325;

    public static ImageInfo Inspect(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        var little = bytes[0] == 0x49;
        if (bytes.Length < 8 || U32(bytes, 4, little) is var directory && directory + 2L > bytes.Length)
        {
            return new(ImageFormat.Tiff, 0, 0, "the directory is cut off");
        }

        var offset = (int)U32(bytes, 4, little);
        var entries = U16(bytes, offset, little);
        var (width, height) = (0L, 0L);
        var (offsets, counts) = (-1, -1);
        for (var i = 0; i < entries; i++)
        {
            var at = offset + 2 + (12 * i);
            if (at + 12 > bytes.Length)
            {
                return new(ImageFormat.Tiff, 0, 0, "the directory is cut off");
            }

            long value = U16(bytes, at + 2, little) == 3 ? U16(bytes, at + 8, little) : U32(bytes, at + 8, little);
            switch (U16(bytes, at, little))
            {
                case Width:
                    width = value;
                    break;
                case Height:
                    height = value;
                    break;
                case StripOffsets or TileOffsets:
                    offsets = at;
                    break;
                case StripCounts or TileCounts:
                    counts = at;
                    break;
                default:
                    break;
            }
        }

        var problem = ImageProblem.OfSize(width, height) ?? (offsets >= 0 && counts >= 0 && isWhole ? Strips(bytes, offsets, counts, little) : null);
        return new(ImageFormat.Tiff, (int)Math.Min(width, int.MaxValue), (int)Math.Min(height, int.MaxValue), problem);
    }

    private static string? Strips(ReadOnlySpan<byte> bytes, int offsets, int counts, bool little)
    {
        var strips = U32(bytes, offsets + 4, little);
        if (strips != U32(bytes, counts + 4, little))
        {
            return ImageProblem.Header;
        }

        for (var i = 0L; i < strips; i++)
        {
            if (Item(bytes, offsets, i, little) is not { } begin || Item(bytes, counts, i, little) is not { } length || begin + length > bytes.Length)
            {
                return ImageProblem.Cut;
            }
        }

        return null;
    }

    // The i-th value of an entry: in the entry where all fit into four bytes, else where it points. Null beyond the file.
    private static long? Item(ReadOnlySpan<byte> bytes, int entry, long i, bool little)
    {
        var size = U16(bytes, entry + 2, little) == 3 ? 2 : 4;
        var at = (U32(bytes, entry + 4, little) * (long)size <= 4 ? entry + 8 : U32(bytes, entry + 8, little)) + (i * size);
        return at + size > bytes.Length ? null : size == 2 ? U16(bytes, (int)at, little) : U32(bytes, (int)at, little);
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int at, bool little)
        => little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    private static int U16(ReadOnlySpan<byte> bytes, int at, bool little)
        => little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
}
