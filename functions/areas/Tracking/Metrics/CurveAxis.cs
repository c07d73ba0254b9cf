using System.Runtime.InteropServices;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Where points lie on the x axis: whole steps, or microseconds since <paramref name="Origin"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CurveAxis(MetricAxis Kind, long Origin)
{
    private const double Second = 1_000_000;

    /// <summary>The steps.</summary>
    public static CurveAxis Steps { get; } = new(MetricAxis.Step, 0);

    /// <summary>The axis of one run.</summary>
    public static CurveAxis Of(MetricAxis kind, RunRow run)
        => new(kind, kind == MetricAxis.RelativeTime ? MetricRow.Microseconds(run.StartedAt ?? run.CreatedAt) : 0);

    /// <summary>Where the point lies.</summary>
    public long X(in StoredPoint point) => Kind == MetricAxis.Step ? point.Step : point.At - Origin;

    /// <summary>A place in the unit of answers: steps, or seconds.</summary>
    public double ToUnit(double x) => Kind == MetricAxis.Step ? x : x / Second;

    /// <summary>A place of an answer; null on the axis of steps, whose buckets say their steps anyway.</summary>
    public double? ToSeconds(long x) => Kind == MetricAxis.Step ? null : x / Second;

    /// <summary>Leaves what lies between two places (in the unit of answers), in the order of the axis.</summary>
    public void Prepare(List<StoredPoint> points, double? from, double? to)
    {
        var axis = this;
        if (from is not null || to is not null)
        {
            points.RemoveAll(point => axis.ToUnit(axis.X(point)) < (from ?? double.NegativeInfinity) || axis.ToUnit(axis.X(point)) > (to ?? double.PositiveInfinity));
        }

        // Time almost always goes on with the steps: then there is nothing to sort.
        if (Kind != MetricAxis.Step && !IsInOrder(CollectionsMarshal.AsSpan(points)))
        {
            // Points of one moment stay in the order of the series.
            points.Sort((left, right) => left.At.CompareTo(right.At) is var order && order != 0 ? order : StoredPoint.Compare(left, right));
        }
    }

    private static bool IsInOrder(ReadOnlySpan<StoredPoint> points)
    {
        for (var i = 1; i < points.Length; i++)
        {
            if (points[i - 1].At > points[i].At)
            {
                return false;
            }
        }

        return true;
    }
}
