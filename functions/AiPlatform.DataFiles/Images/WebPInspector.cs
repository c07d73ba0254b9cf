using System.Buffers.Binary;

namespace AiPlatform.DataFiles.Images;

/// <summary>Walks the chunks of a WebP and the headers of its bitstreams.</summary>
internal static class WebPInspector
{
    private const int First = 12;

    /// <summary>What the first chunk says; zeros when it is cut off or says no size.</summary>
    public static (int Width, int Height) Size(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 30)
        {
            return (0, 0);
        }

        var chunk = bytes[First..];
        var (width, height, _) = chunk.StartsWith("VP8X"u8) ? Canvas(chunk[8..])
            : chunk.StartsWith("VP8L"u8) || chunk.StartsWith("VP8 "u8) ? Picture(chunk, chunk[8..])
            : default;
        return (width, height);
    }

    public static ImageInfo Inspect(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        if (bytes.Length < 30)
        {
            return new(ImageFormat.WebP, 0, 0, ImageProblem.CutHeader);
        }

        var declared = U32(bytes, 4) + 8L;
        var (width, height, pictures, problem) = (0, 0, 0, isWhole && declared > bytes.Length ? ImageProblem.Cut : null);
        var end = Math.Min(declared, bytes.Length);
        for (long at = First; problem is null && at + 8 <= end;)
        {
            var chunk = bytes[(int)at..];
            long length = U32(chunk, 4);
            if (at + 8 + length > end)
            {
                problem = isWhole || at + 8 + length > declared ? ImageProblem.Cut : null;
                pictures++;
                break;
            }

            var body = chunk.Slice(8, (int)length);
            if (chunk.StartsWith("VP8X"u8) && length >= 10)
            {
                (width, height, _) = Canvas(body);
            }
            else if (chunk.StartsWith("VP8L"u8) || chunk.StartsWith("VP8 "u8) || (chunk.StartsWith("ANMF"u8) && length >= 16))
            {
                var (w, h, wrong) = Picture(chunk, body);
                problem = wrong;
                pictures++;
                if (width == 0)
                {
                    (width, height) = (w, h);
                }
                else if (w > width || h > height)
                {
                    problem ??= "a picture is larger than the canvas";
                }
            }
            else if (at == First)
            {
                problem = "the first chunk is no image";
            }

            at += 8 + length + (length & 1);
        }

        return new(ImageFormat.WebP, width, height, problem ?? ImageProblem.OfSize(width, height) ?? (pictures == 0 ? "there is no picture" : null));
    }

    private static (int Width, int Height, string? Problem) Canvas(ReadOnlySpan<byte> body) => (1 + Int24(body[4..]), 1 + Int24(body[7..]), null);

    private static (int Width, int Height, string? Problem) Picture(ReadOnlySpan<byte> chunk, ReadOnlySpan<byte> body)
    {
        if (chunk.StartsWith("ANMF"u8))
        {
            return (1 + Int24(body[6..]), 1 + Int24(body[9..]), null);
        }

        if (chunk.StartsWith("VP8L"u8))
        {
            if (body.Length < 5 || body[0] != 0x2F)
            {
                return (0, 0, "the bitstream has no signature");
            }

            var bits = U32(body, 1);
            // The version is 0.
            return (1 + (int)(bits & 0x3FFF), 1 + (int)((bits >> 14) & 0x3FFF), bits >> 29 == 0 ? null : ImageProblem.Header);
        }

        if (body.Length < 10 || body[3] != 0x9D || body[4] != 0x01 || body[5] != 0x2A)
        {
            return (0, 0, "the bitstream has no signature");
        }

        // A key frame, of a version up to 3, whose first partition lies inside of the chunk (RFC 6386, 9.1).
        var tag = Int24(body);
        var problem = (tag & 1) != 0 || ((tag >> 1) & 7) > 3 ? ImageProblem.Header : (tag >> 5) > body.Length - 10 ? ImageProblem.Cut : null;
        return (U16(body, 6) & 0x3FFF, U16(body, 8) & 0x3FFF, problem);
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static int Int24(ReadOnlySpan<byte> bytes) => bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
}
