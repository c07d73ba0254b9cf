using System.IO.Compression;

namespace AiPlatform.Kernel.Http;

/// <summary>JSON as it lies in the database.</summary>
public static class Compressed
{
    /// <summary>JSON of this many bytes at most is taken in: a part of a wide table with its samples.</summary>
    public const int MaxBytes = 64 * 1024 * 1024;

    /// <summary>Compresses JSON.</summary>
    public static byte[] Pack(ReadOnlySpan<byte> json)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Fastest))
        {
            brotli.Write(json);
        }

        return packed.ToArray();
    }

    /// <summary>The JSON.</summary>
    public static byte[] Unpack(byte[] packed)
    {
        using var json = new MemoryStream();
        using (var brotli = new BrotliStream(new MemoryStream(packed, writable: false), CompressionMode.Decompress))
        {
            brotli.CopyTo(json);
        }

        return json.ToArray();
    }
}
