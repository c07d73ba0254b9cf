namespace AiPlatform.DataFiles.Images;

/// <summary>What the first bytes of an image say, whatever its name promises. Whether the rest is whole, <see cref="ImageInspector"/> finds out.</summary>
/// <param name="Format">Its format.</param>
/// <param name="Width">Pixels; more than 0.</param>
/// <param name="Height">Pixels; more than 0.</param>
public sealed record ImageHeader(ImageFormat Format, int Width, int Height)
{
    /// <summary>Reads the header; null when this is no image that is known, or one that was cut off before its size.</summary>
    public static ImageHeader? Read(ReadOnlySpan<byte> bytes)
    {
        var format = ImageInspector.Format(bytes);
        var (width, height) = format switch
        {
            ImageFormat.Png => PngInspector.Size(bytes),
            ImageFormat.Jpeg => JpegInspector.Size(bytes),
            ImageFormat.Gif => GifInspector.Size(bytes),
            ImageFormat.WebP => WebPInspector.Size(bytes),
            ImageFormat.Bmp => SizeOf(BmpInspector.Inspect(bytes, isWhole: false)),
            ImageFormat.Tiff => SizeOf(TiffInspector.Inspect(bytes, isWhole: false)),
            _ => (0, 0),
        };
        return width > 0 && height > 0 ? new ImageHeader(format, width, height) : null;
    }

    private static (int Width, int Height) SizeOf(ImageInfo info) => (info.Width, info.Height);
}
