using System.Runtime.InteropServices;

namespace AiPlatform.Tracking.Metrics;

/// <summary>One series as it was read, its chunks not decoded yet: many points need memory only where somebody wants all of them.</summary>
internal sealed class StoredSeries(AttemptView view)
{
    private readonly List<SeriesPart> _parts = [];
    private readonly List<StoredPoint> _log = [];

    /// <summary>What it consists of, by first step.</summary>
    public IReadOnlyList<SeriesPart> Parts => _parts;

    /// <summary>How many points the parts have, whether they are in the view or not.</summary>
    public long Count { get; private set; }

    /// <summary>
    /// Whether the points of one part after the other are the series: every point is in the view, and no part begins before the
    /// end of another. No point is there twice then, for equal points have equal steps and a part by itself has none.
    /// </summary>
    public bool IsInOrder { get; private set; }

    /// <summary>Adds a chunk.</summary>
    public void Add(SeriesPart chunk) => _parts.Add(chunk);

    /// <summary>Adds a point of the log.</summary>
    public void Add(StoredPoint point) => _log.Add(point);

    /// <summary>Everything was added.</summary>
    public void Complete()
    {
        if (_log.Count > 0)
        {
            var log = CollectionsMarshal.AsSpan(_log);
            _parts.Add(new SeriesPart(log[..StoredPoint.Normalize(log)].ToArray()));
        }

        _parts.Sort((left, right) => left.FirstStep.CompareTo(right.FirstStep));
        IsInOrder = view.IsWhole;
        for (var i = 0; i < _parts.Count; i++)
        {
            Count += _parts[i].Count;
            IsInOrder &= i == 0 || _parts[i - 1].LastStep < _parts[i].FirstStep;
        }
    }

    /// <summary>All points of a range that are in the view, in series order.</summary>
    public List<StoredPoint> ToPoints(StepRange range)
    {
        var parts = _parts.FindAll(part => range.Overlaps(part));
        var offsets = new int[parts.Count];
        var count = 0;
        for (var i = 0; i < offsets.Length; i++)
        {
            offsets[i] = count;
            count = checked(count + parts[i].Count);
        }

        var points = new List<StoredPoint>(count);
        CollectionsMarshal.SetCount(points, count);
        Processors.For(parts.Count, count, i => parts[i].CopyTo(CollectionsMarshal.AsSpan(points).Slice(offsets[i], parts[i].Count)));
        if (!view.IsWhole)
        {
            var lastSteps = parts.Count == 0 ? [] : points.Select(point => point.Lane).Distinct().ToDictionary(lane => lane, lane => view.LastStep(MetricLane.Attempt(lane)));
            points.RemoveAll(point => !range.Contains(point.Step) || point.Step > lastSteps[point.Lane]);
        }
        else if (!parts.TrueForAll(part => range.Covers(part)))
        {
            points.RemoveAll(point => !range.Contains(point.Step));
        }

        if (!IsInOrder)
        {
            var left = StoredPoint.Normalize(CollectionsMarshal.AsSpan(points));
            points.RemoveRange(left, points.Count - left);
        }

        return points;
    }
}
