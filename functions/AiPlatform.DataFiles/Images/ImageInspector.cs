namespace AiPlatform.DataFiles.Images;

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
        ImageFormat.Gif => GifInspector.Inspect(bytes, isWhole),
        ImageFormat.WebP => WebPInspector.Inspect(bytes, isWhole),
        ImageFormat.Bmp => BmpInspector.Inspect(bytes, isWhole),
        ImageFormat.Tiff => TiffInspector.Inspect(bytes, isWhole),
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
}
