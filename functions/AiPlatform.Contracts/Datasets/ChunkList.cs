using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace AiPlatform.Contracts.Datasets;

/// <summary>The chunks of a file as they travel: one record of 36 bytes each, SHA-256 and length, in order.</summary>
public static class ChunkList
{
    /// <summary>The longest chunk, in bytes.</summary>
    public const int MaxChunkLength = 64 << 20;

    private const int RecordBytes = SHA256.HashSizeInBytes + sizeof(int);

    /// <summary>The records, one after another.</summary>
    public static byte[] ToBytes(IReadOnlyList<Chunk> chunks)
    {
        var bytes = new byte[chunks.Count * RecordBytes];
        for (var i = 0; i < chunks.Count; i++)
        {
            var record = bytes.AsSpan(i * RecordBytes, RecordBytes);
            chunks[i].Sha256.CopyTo(record);
            BinaryPrimitives.WriteInt32BigEndian(record[SHA256.HashSizeInBytes..], chunks[i].Length);
        }

        return bytes;
    }

    /// <summary>Reads records; false when they are malformed.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out IReadOnlyList<Chunk>? chunks)
    {
        chunks = null;
        if (bytes.Length % RecordBytes != 0)
        {
            return false;
        }

        var list = new Chunk[bytes.Length / RecordBytes];
        for (var i = 0; i < list.Length; i++)
        {
            var record = bytes.Slice(i * RecordBytes, RecordBytes);
            var length = BinaryPrimitives.ReadInt32BigEndian(record[SHA256.HashSizeInBytes..]);
            if (length is <= 0 or > MaxChunkLength)
            {
                return false;
            }

            list[i] = new Chunk(record[..SHA256.HashSizeInBytes].ToArray(), length);
        }

        chunks = list;
        return true;
    }

    /// <summary>As <see cref="DatasetFile.Chunks"/> spells it.</summary>
    public static string ToText(IReadOnlyList<Chunk> chunks) => Convert.ToBase64String(ToBytes(chunks));

    /// <summary>Reads the spelling of <see cref="DatasetFile.Chunks"/>; false when it is malformed.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IReadOnlyList<Chunk>? chunks)
    {
        var bytes = new byte[text.Length];
        chunks = null;
        return Convert.TryFromBase64String(text, bytes, out var written) && TryRead(bytes.AsSpan(0, written), out chunks);
    }
}
