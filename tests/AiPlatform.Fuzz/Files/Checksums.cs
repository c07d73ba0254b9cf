using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace AiPlatform.Fuzz.Files;

/// <summary>Makes the checksums of changed files right again, so that what lies behind the check is reached.</summary>
internal static class Checksums
{
    private const int TarBlock = 512;
    private const int TarSum = 148;

    /// <summary>Changes the bytes in place; nothing where the format has no checksums that are known.</summary>
    public static void Repair(string kind, byte[] bytes)
    {
        switch (kind)
        {
            case "tar":
                RepairTar(bytes);
                break;
            case "png":
                RepairPng(bytes);
                break;
            default:
                break;
        }
    }

    private static void RepairTar(byte[] bytes)
    {
        for (var at = 0; at + TarBlock <= bytes.Length; at += TarBlock)
        {
            var header = bytes.AsSpan(at, TarBlock);
            if (header[257..].StartsWith("ustar"u8))
            {
                header.Slice(TarSum, 8).Fill((byte)' ');
                var sum = 0;
                foreach (var value in header)
                {
                    sum += value;
                }

                Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0').ToString(CultureInfo.InvariantCulture) + "\0 ").CopyTo(header[TarSum..]);
            }
        }
    }

    private static void RepairPng(byte[] bytes)
    {
        for (var at = 8; at + 12 <= bytes.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));
            if (length > bytes.Length - at - 12)
            {
                return;
            }

            var end = at + 8 + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(end), Crc32.HashToUInt32(bytes.AsSpan(at + 4, (int)length + 4)));
            at = end + 4;
        }
    }
}
