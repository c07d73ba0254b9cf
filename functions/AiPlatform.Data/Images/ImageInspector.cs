using System.Buffers.Binary;

namespace AiPlatform.Data.Images;

/// <summary>Finds out what an image is and whether its structure is whole, from its bytes alone. Nothing of it is drawn.</summary>
public static class ImageInspector
{
    /// <summary>Bytes that are looked at at most; of longer files the end is not checked.</summary>
    public const int MaxBytes = 64 * 1024 * 1024;

    /// <summary>Looks at an image.</summary>
    /// <param name="bytes">The file, or its first <see cref="MaxBytes"/>.</param>
    /// <param name="isWhole">Whether that is the whole file.</param>
    public static ImageInfo Inspect(ReadOnlySpan<byte> bytes, bool isWhole) => Format(bytes) switch
    {
        ImageFormat.Png => PngInspector.Inspect(bytes, isWhole),
        ImageFormat.Jpeg => JpegInspector.Inspect(bytes, isWhole),
        ImageFormat.Gif => Gif(bytes, isWhole),
        ImageFormat.WebP => WebP(bytes, isWhole),
        ImageFormat.Bmp => Bmp(bytes, isWhole),
        ImageFormat.Tiff => Tiff(bytes),
        _ => new ImageInfo(ImageFormat.Unknown, 0, 0, bytes.Length == 0 ? "the file is empty" : "the bytes are no image"),
    };

    /// <summary>The format by the first bytes.</summary>
    public static ImageFormat Format(ReadOnlySpan<byte> bytes)
        => bytes.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]) ? ImageFormat.Png
            : bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? ImageFormat.Jpeg
            : bytes.StartsWith("GIF87a"u8) || bytes.StartsWith("GIF89a"u8) ? ImageFormat.Gif
            : bytes.Length >= 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8) ? ImageFormat.WebP
            : bytes.Length >= 26 && bytes.StartsWith("BM"u8) ? ImageFormat.Bmp
            : bytes.StartsWith((ReadOnlySpan<byte>)[0x49, 0x49, 0x2A, 0]) || bytes.StartsWith((ReadOnlySpan<byte>)[0x4D, 0x4D, 0, 0x2A]) ? ImageFormat.Tiff
            : ImageFormat.Unknown;

    /// <summary>The format that a name promises.</summary>
    public static ImageFormat Promised(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".png" => ImageFormat.Png,
        ".jpg" or ".jpeg" => ImageFormat.Jpeg,
        ".gif" => ImageFormat.Gif,
        ".webp" => ImageFormat.WebP,
        ".bmp" => ImageFormat.Bmp,
        ".tif" or ".tiff" => ImageFormat.Tiff,
        _ => ImageFormat.Unknown,
    };

    private static ImageInfo Gif(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        if (bytes.Length < 13)
        {
            return new(ImageFormat.Gif, 0, 0, "the header is cut off");
        }

        var (width, height) = (BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]));
        return new(ImageFormat.Gif, width, height, isWhole && !bytes.TrimEnd((byte)0).EndsWith((ReadOnlySpan<byte>)[0x3B]) ? "the end is cut off" : Size(width, height));
    }

    private static ImageInfo WebP(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        var declared = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) + 8L;
        var problem = isWhole && declared > bytes.Length ? "the end is cut off" : null;
        if (bytes.Length < 30)
        {
            return new(ImageFormat.WebP, 0, 0, "the header is cut off");
        }

        var chunk = bytes[12..];
        var (width, height) = (0, 0);
        if (chunk.StartsWith("VP8X"u8))
        {
            (width, height) = (1 + Int24(chunk[12..]), 1 + Int24(chunk[15..]));
        }
        else if (chunk.StartsWith("VP8L"u8))
        {
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(chunk[9..]);
            (width, height) = (1 + (int)(bits & 0x3FFF), 1 + (int)((bits >> 14) & 0x3FFF));
            problem ??= chunk[8] == 0x2F ? null : "the bitstream has no signature";
        }
        else if (chunk.StartsWith("VP8 "u8))
        {
            (width, height) = (BinaryPrimitives.ReadUInt16LittleEndian(chunk[14..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(chunk[16..]) & 0x3FFF);
            problem ??= chunk[11] == 0x9D && chunk[12] == 0x01 && chunk[13] == 0x2A ? null : "the bitstream has no signature";
        }
        else
        {
            problem ??= "the first chunk is no image";
        }

        return new(ImageFormat.WebP, width, height, problem ?? Size(width, height));
    }

    private static ImageInfo Bmp(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        var declared = BinaryPrimitives.ReadUInt32LittleEndian(bytes[2..]);
        var data = BinaryPrimitives.ReadUInt32LittleEndian(bytes[10..]);
        var core = BinaryPrimitives.ReadUInt32LittleEndian(bytes[14..]) == 12;
        var (width, height) = core
            ? (BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[20..]))
            : (BinaryPrimitives.ReadInt32LittleEndian(bytes[18..]), Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(bytes[22..])));
        var problem = isWhole && (declared > bytes.Length || data >= bytes.Length) ? "the end is cut off" : null;
        return new(ImageFormat.Bmp, width, (int)Math.Min(height, int.MaxValue), problem ?? Size(width, height));
    }

    private static ImageInfo Tiff(ReadOnlySpan<byte> bytes)
    {
        var little = bytes[0] == 0x49;
        uint U32(ReadOnlySpan<byte> at) => little ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at);
        int U16(ReadOnlySpan<byte> at) => little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);
        if (bytes.Length < 8 || U32(bytes[4..]) is var directory && directory + 2L > bytes.Length)
        {
            return new(ImageFormat.Tiff, 0, 0, "the directory is cut off");
        }

        var offset = (int)U32(bytes[4..]);
        var entries = U16(bytes[offset..]);
        var (width, height) = (0L, 0L);
        for (var i = 0; i < entries; i++)
        {
            var at = offset + 2 + (12 * i);
            if (at + 12 > bytes.Length)
            {
                return new(ImageFormat.Tiff, 0, 0, "the directory is cut off");
            }

            long value = U16(bytes[(at + 2)..]) == 3 ? U16(bytes[(at + 8)..]) : (long)U32(bytes[(at + 8)..]);
            width = U16(bytes[at..]) == 256 ? value : width;
            height = U16(bytes[at..]) == 257 ? value : height;
        }

        return new(ImageFormat.Tiff, (int)Math.Min(width, int.MaxValue), (int)Math.Min(height, int.MaxValue), Size(width, height));
    }

    private static string? Size(long width, long height) => width > 0 && height > 0 ? null : "the size is zero";

    private static int Int24(ReadOnlySpan<byte> bytes) => bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
}
