using System.Runtime.InteropServices;

namespace AiPlatform.Functions.Features.Experiments.Metrics;

/// <summary>Chunks that were read and are decoded together: on all processors when they are many, for that is most of the time that a long series takes.</summary>
internal sealed class ChunkBatch
{
    // Below this the work is done before other threads are awake.
    private const int MinParallelPoints = 50_000;
    private const int ChunksAtOnce = 16;

    private readonly List<(List<StoredPoint> Series, int Offset, byte[] Chunk)> _chunks = [];
    private long _points;

    /// <summary>Adds a chunk; its points have their place at the end of the series from now on, and are there after <see cref="Decode"/>.</summary>
    public void Add(List<StoredPoint> series, byte[] chunk)
    {
        var count = ChunkCodec.Count(chunk);
        _chunks.Add((series, series.Count, chunk));
        CollectionsMarshal.SetCount(series, series.Count + count);
        _points += count;
    }

    /// <summary>Decodes all of them.</summary>
    public void Decode()
    {
        if (_points < MinParallelPoints)
        {
            Decode(0, _chunks.Count);
            return;
        }

        Parallel.For(0, (_chunks.Count + ChunksAtOnce - 1) / ChunksAtOnce, part => Decode(part * ChunksAtOnce, Math.Min(_chunks.Count, (part + 1) * ChunksAtOnce)));
    }

    private void Decode(int begin, int end)
    {
        for (var i = begin; i < end; i++)
        {
            var (series, offset, chunk) = _chunks[i];
            ChunkCodec.Decode(chunk, CollectionsMarshal.AsSpan(series).Slice(offset, ChunkCodec.Count(chunk)));
        }
    }
}
