using System.Buffers.Binary;

namespace AiPlatform.DataFiles.Images;

/// <summary>Holds the size of a bitmap against its bytes.</summary>
internal static class BmpInspector
{
    private const int Head = 14, Core = 12, Info = 40;

    public static ImageInfo Inspect(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        var (declared, data, header) = (U32(bytes, 2), U32(bytes, 10), U32(bytes, Head));
        var isCore = header == Core;
        if (bytes.Length < Head + (isCore ? Core : Info))
        {
            return new(ImageFormat.Bmp, 0, 0, ImageProblem.CutHeader);
        }

        long width = isCore ? U16(bytes, 18) : (int)U32(bytes, 18);
        var height = isCore ? U16(bytes, 20) : Math.Abs((long)(int)U32(bytes, 22));
        var (planes, bits) = isCore ? (U16(bytes, 22), U16(bytes, 24)) : (U16(bytes, 26), U16(bytes, 28));
        var compression = isCore ? 0 : U32(bytes, 30);
        var problem = ImageProblem.OfSize(width, height)
            ?? ((!isCore && header is not (40 or 52 or 56 or 64 or 108 or 124)) || planes != 1 || bits is not (1 or 2 or 4 or 8 or 16 or 24 or 32 or 0) || compression > 6
                || data < Head + header
                ? ImageProblem.Header
                : null)
            ?? (isWhole ? OfLength(bytes.Length, declared, data, width, height, bits, compression) : null);
        return new(ImageFormat.Bmp, (int)Math.Clamp(width, 0, int.MaxValue), (int)Math.Min(height, int.MaxValue), problem);
    }

    // Rows are padded to four bytes. Bitmaps that are compressed say their length themselves.
    private static string? OfLength(long length, long declared, long data, long width, long height, int bits, uint compression)
        => declared > length || data >= length ? ImageProblem.Cut
            : compression is 0 or 3 or 6 && bits > 0 && data + ((((width * bits) + 31) / 32 * 4) * height) > length ? ImageProblem.CutPicture
            : null;

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
