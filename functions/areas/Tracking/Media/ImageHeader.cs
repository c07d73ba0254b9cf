using System.Buffers.Binary;

namespace AiPlatform.Tracking.Media;

/// <summary>What the first bytes of an image say, whatever its sender called it.</summary>
/// <param name="ContentType">Its media type.</param>
/// <param name="Extension">Of its file name, without a dot.</param>
internal sealed record ImageHeader(string ContentType, string Extension, int Width, int Height)
{
    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Reads the header; null when this is no PNG, JPEG, GIF or WebP image, or one that was cut off before its size.</summary>
    public static ImageHeader? Read(ReadOnlySpan<byte> bytes)
        => (Png(bytes) ?? Gif(bytes) ?? WebP(bytes) ?? Jpeg(bytes)) is { Width: > 0, Height: > 0 } header ? header : null;

    private static ImageHeader? Png(ReadOnlySpan<byte> bytes)
        => bytes.Length >= 24 && bytes.StartsWith(PngSignature) && bytes[12..16].SequenceEqual("IHDR"u8)
            ? new ImageHeader("image/png", "png", BinaryPrimitives.ReadInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadInt32BigEndian(bytes[20..]))
            : null;

    private static ImageHeader? Gif(ReadOnlySpan<byte> bytes)
        => bytes.Length >= 10 && (bytes.StartsWith("GIF87a"u8) || bytes.StartsWith("GIF89a"u8))
            ? new ImageHeader("image/gif", "gif", BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]))
            : null;

    private static ImageHeader? WebP(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 30 || !bytes.StartsWith("RIFF"u8) || !bytes[8..12].SequenceEqual("WEBP"u8))
        {
            return null;
        }

        // Lossy, lossless and extended files say their size in three ways.
        var (width, height) = bytes[12..16] switch
        {
            var format when format.SequenceEqual("VP8 "u8) => (BinaryPrimitives.ReadUInt16LittleEndian(bytes[26..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]) & 0x3FFF),
            var format when format.SequenceEqual("VP8L"u8) => Lossless(BinaryPrimitives.ReadUInt32LittleEndian(bytes[21..])),
            var format when format.SequenceEqual("VP8X"u8) => (Triple(bytes[24..]) + 1, Triple(bytes[27..]) + 1),
            _ => (0, 0),
        };
        return new ImageHeader("image/webp", "webp", width, height);
    }

    private static (int Width, int Height) Lossless(uint bits) => ((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1);

    private static int Triple(ReadOnlySpan<byte> bytes) => bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);

    private static ImageHeader? Jpeg(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8)
        {
            return null;
        }

        // Segments follow each other; the frame's (SOF0 to SOF15 without DHT, JPG and DAC) holds the size.
        for (var at = 2; at + 9 < bytes.Length && bytes[at] == 0xFF;)
        {
            var marker = bytes[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }

            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return new ImageHeader("image/jpeg", "jpg", BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 5)..]));
            }

            at += 2 + Math.Max((int)BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]), 2);
        }

        return null;
    }
}
