using System.Buffers.Binary;

namespace AiPlatform.Data.Images;

/// <summary>Walks the segments of a JPEG to its scans and from there to its end.</summary>
internal static class JpegInspector
{
    public static ImageInfo Inspect(ReadOnlySpan<byte> bytes, bool isWhole)
    {
        var (width, height, scans) = (0, 0, 0);
        var at = 2;
        while (true)
        {
            if (at + 4 > bytes.Length || bytes[at] != 0xFF)
            {
                // After the first scan a reader shows what it has: cut off or broken all the same.
                var cut = at + 4 > bytes.Length;
                return new(ImageFormat.Jpeg, width, height, cut && !isWhole && scans > 0 ? null : cut ? "the end is cut off" : "a segment does not begin where it has to");
            }

            var marker = bytes[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < 2)
            {
                return new(ImageFormat.Jpeg, width, height, "a segment has no length");
            }

            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && at + 9 <= bytes.Length)
            {
                (height, width) = (BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 5)..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 7)..]));
            }

            at += 2 + length;
            if (marker != 0xDA)
            {
                continue;
            }

            scans++;
            at = EndOfScan(bytes, at);
            if (at < 0)
            {
                return new(ImageFormat.Jpeg, width, height, isWhole ? "the end is cut off" : null);
            }

            if (bytes[at + 1] == 0xD9)
            {
                return new(ImageFormat.Jpeg, width, height, width > 0 && height > 0 ? null : "the size is zero");
            }
        }
    }

    // The marker behind the entropy-coded data: not a stuffed byte, not a restart.
    private static int EndOfScan(ReadOnlySpan<byte> bytes, int at)
    {
        while (at + 1 < bytes.Length)
        {
            var next = bytes[at..].IndexOf((byte)0xFF);
            if (next < 0 || at + next + 1 >= bytes.Length)
            {
                return -1;
            }

            at += next;
            if (bytes[at + 1] is not (0x00 or (>= 0xD0 and <= 0xD7) or 0xFF))
            {
                return at;
            }

            at += bytes[at + 1] == 0xFF ? 1 : 2;
        }

        return -1;
    }
}
