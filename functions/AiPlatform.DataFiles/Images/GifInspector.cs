using System.Buffers.Binary;

namespace AiPlatform.DataFiles.Images;

/// <summary>Walks the blocks of a GIF to its end and counts the pixels that each picture's LZW codes make.</summary>
internal static class GifInspector
{
    private const int MaxCode = 4096;

    /// <summary>What the header says; zeros when it is cut off.</summary>
    public static (int Width, int Height) Size(ReadOnlySpan<byte> bytes)
        => bytes.Length >= 10 ? (BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..])) : (0, 0);

    public static ImageInfo Inspect(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        if (bytes.Length < 13)
        {
            return new(ImageFormat.Gif, 0, 0, ImageProblem.CutHeader);
        }

        var (width, height) = Size(bytes);
        var problem = ImageProblem.OfSize(width, height) ?? Walk(bytes, 13 + TableBytes(bytes[10]), width, height);
        return new(ImageFormat.Gif, width, height, problem == ImageProblem.Cut && !isWhole ? null : problem);
    }

    private static int TableBytes(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);

    private static string? Walk(ReadOnlySpan<byte> bytes, int at, int width, int height)
    {
        var pictures = 0;
        while (at < bytes.Length)
        {
            switch (bytes[at])
            {
                case 0x3B:
                    return pictures > 0 ? null : "there is no picture";
                case 0x21:
                    at = Skip(bytes, at + 2);
                    break;
                case 0x2C:
                    if (at + 11 > bytes.Length)
                    {
                        return ImageProblem.Cut;
                    }

                    var (left, top) = (BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 1)..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 3)..]));
                    var (w, h) = (BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 5)..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 7)..]));
                    if (w == 0 || h == 0 || left + w > width || top + h > height)
                    {
                        return "a picture is larger than the canvas";
                    }

                    at += 10 + TableBytes(bytes[at + 9]);
                    if (at >= bytes.Length)
                    {
                        return ImageProblem.Cut;
                    }

                    if (Pixels(bytes, ref at, (long)w * h) is { } problem)
                    {
                        return problem;
                    }

                    pictures++;
                    break;
                case 0:
                    // Some writers pad between blocks.
                    at++;
                    break;
                default:
                    return "a block does not begin where it has to";
            }
        }

        return ImageProblem.Cut;
    }

    // The end of a chain of blocks; beyond the bytes when it is cut off.
    private static int Skip(ReadOnlySpan<byte> bytes, int at)
    {
        while (at < bytes.Length && bytes[at] != 0)
        {
            at += 1 + bytes[at];
        }

        return at + 1;
    }

    // Follows the codes without making the pixels: each code stands for a string whose length is known.
    private static string? Pixels(ReadOnlySpan<byte> bytes, ref int at, long expected)
    {
        var bits = bytes[at];
        if (bits is < 1 or > 11)
        {
            return ImageProblem.Header;
        }

        var (clear, end) = (1 << bits, (1 << bits) + 1);
        var lengths = new int[MaxCode];
        lengths.AsSpan(0, clear).Fill(1);
        var (next, size, last, made, buffer, held, isEnded) = (end + 1, bits + 1, -1, 0L, 0, 0, false);
        for (at++; at < bytes.Length && bytes[at] != 0; at += 1 + bytes[at])
        {
            var block = bytes[(at + 1)..];
            if (block.Length < bytes[at])
            {
                at = bytes.Length;
                return ImageProblem.Cut;
            }

            for (var i = 0; i < bytes[at] && !isEnded; i++)
            {
                buffer |= block[i] << held;
                held += 8;
                while (held >= size && !isEnded)
                {
                    var code = buffer & ((1 << size) - 1);
                    (buffer, held) = (buffer >> size, held - size);
                    if (code == clear)
                    {
                        (next, size, last) = (end + 1, bits + 1, -1);
                        continue;
                    }

                    if (code == end)
                    {
                        isEnded = true;
                        break;
                    }

                    if (code > next || (code == next && (last < 0 || next >= MaxCode)) || (last < 0 && code > end))
                    {
                        return ImageProblem.Data;
                    }

                    if (last >= 0 && next < MaxCode)
                    {
                        lengths[next++] = lengths[last] + 1;
                        size += next == 1 << size && size < 12 ? 1 : 0;
                    }

                    made += lengths[code];
                    last = code;
                }
            }
        }

        if (at >= bytes.Length)
        {
            return ImageProblem.Cut;
        }

        at++;
        return made < expected ? ImageProblem.CutPicture : made > expected ? ImageProblem.LongPicture : null;
    }
}
