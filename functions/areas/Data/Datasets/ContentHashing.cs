using System.Buffers;
using System.Security.Cryptography;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets;

/// <summary>Reads content once, for its hash and its chunks.</summary>
internal static class ContentHashing
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>Hashes a stream. A large one is cut into chunks when none are announced.</summary>
    /// <param name="announced">The chunks that it must have; null when it may be cut freely, empty when chunks do not matter.</param>
    /// <returns>The chunks and where they begin; null when they are not the announced ones.</returns>
    public static async Task<(byte[] Sha256, IReadOnlyList<PlacedChunk>? Chunks)> ReadAsync(
        Stream stream, long length, IReadOnlyList<Chunk>? announced, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var chunker = announced is null && length >= ContentChunker.Threshold ? new ContentChunker(length) : null;
        using var check = announced is { Count: > 0 } ? new ChunkCheck(announced) : null;
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int count;
            while ((count = await stream.ReadAsync(buffer.AsMemory(0, BufferBytes), cancellationToken)) > 0)
            {
                var bytes = buffer.AsSpan(0, count);
                hash.AppendData(bytes);
                chunker?.Append(bytes);
                check?.Append(bytes);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return (hash.GetHashAndReset(), check is null ? Place(chunker?.Finish() ?? []) : check.IsRight ? Place(announced!) : null);
    }

    private static List<PlacedChunk> Place(IReadOnlyList<Chunk> chunks)
    {
        var placed = new List<PlacedChunk>(chunks.Count);
        var offset = 0L;
        foreach (var chunk in chunks)
        {
            placed.Add(new PlacedChunk(chunk, offset));
            offset += chunk.Length;
        }

        return placed;
    }

    private sealed class ChunkCheck(IReadOnlyList<Chunk> chunks) : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private int _index;
        private int _length;
        private bool _wrong;

        public bool IsRight => !_wrong && _index == chunks.Count && _length == 0;

        public void Append(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0 && !_wrong)
            {
                if (_index == chunks.Count)
                {
                    _wrong = true;
                    return;
                }

                var count = Math.Min(bytes.Length, chunks[_index].Length - _length);
                _hash.AppendData(bytes[..count]);
                _length += count;
                bytes = bytes[count..];
                if (_length == chunks[_index].Length)
                {
                    _wrong = !_hash.GetHashAndReset().AsSpan().SequenceEqual(chunks[_index].Sha256);
                    (_index, _length) = (_index + 1, 0);
                }
            }
        }

        public void Dispose() => _hash.Dispose();
    }
}
