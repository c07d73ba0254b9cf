using System.Buffers.Binary;

namespace AiPlatform.Contracts.Datasets;

/// <summary>Consecutive chunks of a file.</summary>
/// <param name="First">Index of the first chunk, from 0.</param>
/// <param name="Count">How many.</param>
public sealed record ChunkRange(int First, int Count)
{
    private const int IdBytes = 8;

    /// <summary>The id of the block that holds exactly these chunks. All ids of a blob have the same length, as the storage wants.</summary>
    public string ToBlockId()
    {
        Span<byte> bytes = stackalloc byte[IdBytes];
        BinaryPrimitives.WriteInt32BigEndian(bytes, First);
        BinaryPrimitives.WriteInt32BigEndian(bytes[4..], Count);
        return Convert.ToBase64String(bytes);
    }

    /// <summary>Reads a block id; null when it is none of ours.</summary>
    public static ChunkRange? FromBlockId(string id)
    {
        Span<byte> bytes = stackalloc byte[IdBytes];
        if (!Convert.TryFromBase64String(id, bytes, out var written) || written != IdBytes)
        {
            return null;
        }

        var range = new ChunkRange(BinaryPrimitives.ReadInt32BigEndian(bytes), BinaryPrimitives.ReadInt32BigEndian(bytes[4..]));
        return range is { First: >= 0, Count: > 0 } ? range : null;
    }
}
