using System.Runtime.InteropServices;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Points of a series in its order that lie together: a chunk, or what the log has.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct SeriesPart
{
    private readonly byte[]? _chunk;
    private readonly StoredPoint[] _points;

    /// <param name="chunk">See <see cref="ChunkCodec"/>.</param>
    public SeriesPart(long firstStep, long lastStep, byte[] chunk)
        => (FirstStep, LastStep, Count, _chunk, _points) = (firstStep, lastStep, ChunkCodec.Count(chunk), chunk, []);

    /// <param name="points">At least one.</param>
    public SeriesPart(StoredPoint[] points) => (FirstStep, LastStep, Count, _points) = (points[0].Step, points[^1].Step, points.Length, points);

    /// <summary>The step of the first point.</summary>
    public long FirstStep { get; }

    /// <summary>The step of the last point.</summary>
    public long LastStep { get; }

    /// <summary>How many points there are.</summary>
    public int Count { get; }

    /// <summary>Writes the points to where <see cref="Count"/> of them fit.</summary>
    public void CopyTo(Span<StoredPoint> target)
    {
        if (_chunk is not null)
        {
            ChunkCodec.Decode(_chunk, target);
        }
        else
        {
            _points.CopyTo(target);
        }
    }

    /// <summary>The points of a range.</summary>
    /// <param name="buffer">Where <see cref="Count"/> points fit; what is answered lies in here.</param>
    public ReadOnlySpan<StoredPoint> Read(StepRange range, Span<StoredPoint> buffer)
    {
        CopyTo(buffer);
        var (begin, end) = (0, Count);
        while (begin < end && buffer[begin].Step < range.First)
        {
            begin++;
        }

        while (begin < end && buffer[end - 1].Step > range.Last)
        {
            end--;
        }

        return buffer[begin..end];
    }
}
