using System.Runtime.InteropServices;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Tracking.Metrics;

/// <summary>What is asked of curves, whatever their axis.</summary>
/// <param name="Buckets">At most so many.</param>
/// <param name="Smoothing">Null for none.</param>
/// <param name="Steps">Points of other steps are left out.</param>
/// <param name="From">Points before this place on the axis (a step, or seconds) are left out.</param>
/// <param name="To">Points after this place are left out.</param>
internal sealed record CurveQuery(int Buckets, Smoothing? Smoothing, StepRange Steps, double? From, double? To)
{
    /// <summary>The steps of all points that are needed.</summary>
    public StepRange Range(MetricAxis axis) => axis == MetricAxis.Step ? Steps.And(StepRange.Of(From, To)) : Steps;

    /// <summary>Buckets of equal width.</summary>
    public IReadOnlyList<MetricBucket> Sample(StoredSeries series, CurveAxis axis)
        => IsByPart(series, axis) ? PartSampling.Of(series.Parts, Range(axis.Kind), Buckets) : DownSampling.Of(Points(series, axis), axis, Buckets, Smoothing);

    /// <summary>Buckets on a grid whose width is a power of two.</summary>
    public (IReadOnlyList<MetricBucket> Buckets, int Power) SampleOnGrid(StoredSeries series, CurveAxis axis)
        => IsByPart(series, axis) ? PartSampling.OnGrid(series.Parts, Range(axis.Kind), Buckets) : DownSampling.OnGrid(Points(series, axis), axis, Buckets, Smoothing);

    // Smoothing looks at points around those of other parts, and along the time points of a part may lie before those of the part before.
    private bool IsByPart(StoredSeries series, CurveAxis axis) => series.IsInOrder && axis.Kind == MetricAxis.Step && Smoothing is null;

    private Span<StoredPoint> Points(StoredSeries series, CurveAxis axis)
    {
        var points = series.ToPoints(Range(axis.Kind));
        axis.Prepare(points, From, To);
        return CollectionsMarshal.AsSpan(points);
    }
}
