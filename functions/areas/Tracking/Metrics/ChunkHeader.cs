using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// What stands before the columns of a chunk: format, points, bytes of the packed part when it is unpacked; in format 2 also how
/// each byte plane is stored, two bits each from the lowest on, and the bytes of the packed part. In format 1 every plane is packed.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ChunkHeader(int Points, int UnpackedLength, ushort Storages, int PackedOffset, int PackedLength)
{
    /// <summary>The most bytes that a header takes.</summary>
    public const int MaxBytes = 1 + sizeof(ushort) + (3 * Varint.MaxBytes);

    private const byte AllPacked = 1;
    private const byte Format = 2;
    private const ushort EveryPlanePacked = 0x5555;

    /// <summary>Writes a header; answers where the packed part begins.</summary>
    public static int Write(Span<byte> target, int points, int unpackedLength, ushort storages, int packedLength)
    {
        var position = 0;
        target[position++] = Format;
        Varint.Write(target, ref position, (ulong)points);
        Varint.Write(target, ref position, (ulong)unpackedLength);
        BinaryPrimitives.WriteUInt16LittleEndian(target[position..], storages);
        position += sizeof(ushort);
        Varint.Write(target, ref position, (ulong)packedLength);
        return position;
    }

    /// <summary>Reads the header of a chunk.</summary>
    /// <exception cref="InvalidDataException">The format is not known, or the chunk is shorter than its header says.</exception>
    public static ChunkHeader Read(ReadOnlySpan<byte> chunk)
    {
        if (chunk[0] is not (AllPacked or Format))
        {
            throw new InvalidDataException($"Chunks of format {chunk[0]} are not known.");
        }

        var position = 1;
        var points = Length(chunk, ref position);
        var unpackedLength = Length(chunk, ref position);
        if (chunk[0] == AllPacked)
        {
            return new ChunkHeader(points, unpackedLength, EveryPlanePacked, position, chunk.Length - position);
        }

        var storages = BinaryPrimitives.ReadUInt16LittleEndian(chunk[position..]);
        position += sizeof(ushort);
        var packedLength = Length(chunk, ref position);
        return packedLength <= chunk.Length - position
            ? new ChunkHeader(points, unpackedLength, storages, position, packedLength)
            : throw new InvalidDataException("A chunk of metrics is cut off.");
    }

    /// <summary>How a plane is stored.</summary>
    public PlaneStorage StorageOf(int plane) => (PlaneStorage)((Storages >> (2 * plane)) & 3);

    private static int Length(ReadOnlySpan<byte> chunk, ref int position)
        => Varint.Read(chunk, ref position) is var value && value <= (ulong)Array.MaxLength
            ? (int)value
            : throw new InvalidDataException("A chunk of metrics has an impossible length.");
}
