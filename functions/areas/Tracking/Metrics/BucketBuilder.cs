using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Makes buckets of points that come in the order of the axis, as many at a time as there are.</summary>
internal sealed class BucketBuilder<TGrid>(CurveAxis axis, TGrid grid)
    where TGrid : struct, IBucketGrid
{
    private readonly List<MetricBucket> _buckets = [];

    // The bucket that is being filled; without points there is none.
    private long _index;
    private long _end;
    private StoredPoint _first;
    private StoredPoint _last;
    private double _min;
    private double _max;
    private int _count;

    /// <summary>Adds points behind those before.</summary>
    public void Add(ReadOnlySpan<StoredPoint> points)
    {
        for (var i = 0; i < points.Length;)
        {
            if (_count == 0 || axis.X(points[i]) > _end)
            {
                Begin(points[i]);
            }

            var (begin, end, min, max) = (i, _end, _min, _max);
            for (; i < points.Length && axis.X(points[i]) <= end; i++)
            {
                // NaN is neither smaller nor larger than anything.
                var value = points[i].Value;
                min = value < min ? value : min;
                max = value > max ? value : max;
            }

            (_min, _max, _last) = (min, max, points[i - 1]);
            _count += i - begin;
        }
    }

    /// <summary>The buckets of all points; nothing can be added afterwards.</summary>
    public List<MetricBucket> ToBuckets()
    {
        Close();
        return _buckets;
    }

    private void Begin(in StoredPoint point)
    {
        Close();
        _index = grid.IndexOf(axis.X(point));
        _end = grid.LastOf(_index);
        (_first, _min, _max) = (point, double.PositiveInfinity, double.NegativeInfinity);
    }

    private void Close()
    {
        if (_count == 0)
        {
            return;
        }

        var hasNumber = _min <= _max;
        _buckets.Add(new MetricBucket(_first.Step, _last.Step, hasNumber ? _min : null, hasNumber ? _max : null, _last.Value, _count, null)
        {
            FirstX = axis.ToSeconds(axis.X(_first)),
            LastX = axis.ToSeconds(axis.X(_last)),
            Index = TGrid.IsCommon ? _index : null,
        });
        _count = 0;
    }
}
