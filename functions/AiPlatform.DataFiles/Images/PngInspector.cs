using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace AiPlatform.DataFiles.Images;

/// <summary>Walks the chunks of a PNG, checks their sums, and inflates the picture without keeping it.</summary>
internal static class PngInspector
{
    private const int Head = 8;
    private const int Frame = 12;

    /// <summary>What the header says; zeros when it is cut off.</summary>
    public static (int Width, int Height) Size(ReadOnlySpan<byte> bytes)
        => bytes.Length >= Head + 16 && bytes[(Head + 4)..].StartsWith("IHDR"u8)
            ? (BinaryPrimitives.ReadInt32BigEndian(bytes[(Head + 8)..]), BinaryPrimitives.ReadInt32BigEndian(bytes[(Head + 12)..]))
            : (0, 0);

    public static ImageInfo Inspect(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        if (bytes.Length < Head + Frame + 13 || !bytes[(Head + 4)..].StartsWith("IHDR"u8))
        {
            return new(ImageFormat.Png, 0, 0, "the header is cut off");
        }

        var header = bytes.Slice(Head + 8, 13);
        var (width, height) = Size(bytes);
        if (width <= 0 || height <= 0)
        {
            return new(ImageFormat.Png, 0, 0, "the size is zero");
        }

        var problem = Walk(bytes, isWhole, out var data);
        return new(ImageFormat.Png, width, height, problem ?? (isWhole ? Inflate(data, header, width, height) : null));
    }

    private static string? Walk(ReadOnlySpan<byte> bytes, bool isWhole, out MemoryStream data)
    {
        data = new MemoryStream();
        var (hasPalette, isDone) = (false, false);
        for (var at = Head; ;)
        {
            if (at + Frame > bytes.Length)
            {
                return isWhole ? "the end is cut off" : null;
            }

            var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            if (length > int.MaxValue || at + Frame + (long)length > bytes.Length)
            {
                return isWhole ? "the end is cut off" : null;
            }

            var type = bytes.Slice(at + 4, 4);
            if (Crc32.HashToUInt32(bytes.Slice(at + 4, (int)length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 8 + (int)length)..]))
            {
                return "a checksum is wrong";
            }

            if (type.SequenceEqual("IEND"u8))
            {
                return null;
            }

            if (type.SequenceEqual("IDAT"u8))
            {
                if (isDone || (bytes[Head + 17] == 3 && !hasPalette))
                {
                    return "the chunks are in a wrong order";
                }

                data.Write(bytes.Slice(at + 8, (int)length));
            }
            else if (type.SequenceEqual("PLTE"u8))
            {
                hasPalette = length is > 0 and <= 768 && length % 3 == 0;
            }
            else if ((type[0] & 0x20) == 0 && at > Head)
            {
                return "a chunk that must be understood is not known";
            }

            isDone |= data.Length > 0 && !type.SequenceEqual("IDAT"u8);

            at += Frame + (int)length;
        }
    }

    // Inflates to the end, where the checksum is, and holds length and filters of the rows against the size.
    private static string? Inflate(MemoryStream data, ReadOnlySpan<byte> header, int width, int height)
    {
        int? samples = header[9] switch { 0 or 3 => 1, 2 => 3, 4 => 2, 6 => 4, _ => null };
        if (samples is not { } channels)
        {
            return "the colour type is unknown";
        }

        var isDepth = header[8] is 8 || (header[8] is 16 && header[9] != 3) || (header[8] is 1 or 2 or 4 && header[9] is 0 or 3);
        if (!isDepth || header[10] != 0 || header[11] != 0 || header[12] > 1)
        {
            return ImageProblem.Header;
        }

        var rows = new PngRows(width, height, channels * header[8], header[12] == 1);
        var buffer = new byte[64 * 1024];
        data.Position = 0;
        try
        {
            using var inflated = new ZLibStream(data, CompressionMode.Decompress);
            while (inflated.Read(buffer) is > 0 and var read)
            {
                if (rows.Add(buffer.AsSpan(0, read)) is { } problem)
                {
                    return problem;
                }
            }

            return rows.IsComplete ? null : ImageProblem.CutPicture;
        }
        catch (InvalidDataException)
        {
            return "the picture cannot be inflated";
        }
    }
}
