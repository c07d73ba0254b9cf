namespace AiPlatform.DataFiles.Images;

/// <summary>What an image file is, by its bytes.</summary>
public enum ImageFormat
{
    /// <summary>No image that is known.</summary>
    Unknown,

    /// <summary>Portable Network Graphics.</summary>
    Png,

    /// <summary>JPEG.</summary>
    Jpeg,

    /// <summary>Graphics Interchange Format.</summary>
    Gif,

    /// <summary>WebP.</summary>
    WebP,

    /// <summary>Windows bitmap.</summary>
    Bmp,

    /// <summary>Tagged Image File Format.</summary>
    Tiff,
}

/// <summary>An image.</summary>
/// <param name="Format">Its format, by its bytes.</param>
/// <param name="Width">Pixels; 0 when it cannot be told.</param>
/// <param name="Height">Pixels; 0 when it cannot be told.</param>
/// <param name="Problem">What is broken, in English; null when its structure is whole.</param>
public sealed record ImageInfo(ImageFormat Format, int Width, int Height, string? Problem);
