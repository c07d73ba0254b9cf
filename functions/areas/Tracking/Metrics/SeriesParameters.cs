using System.Runtime.InteropServices;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Query parameters that say which curve is shown, and how; take them with <c>[AsParameters]</c>.</summary>
/// <param name="Key">The metric's key.</param>
/// <param name="Buckets">Buckets, 1 to 10,000; 1,000 when absent.</param>
/// <param name="FromStep">Only from this step on.</param>
/// <param name="ToStep">Only up to this step.</param>
/// <param name="Smoothing">The amount, as <c>smoothingKind</c> reads it.</param>
/// <param name="SmoothingKind">How the curve is smoothed.</param>
/// <param name="Axis">What the x axis shows.</param>
/// <param name="From">Leaves out points before this place on the axis: a step, or seconds.</param>
/// <param name="To">Leaves out points after this place on the axis.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SeriesParameters(
    string Key, int? Buckets, long? FromStep, long? ToStep, double? Smoothing, string? SmoothingKind, string? Axis, double? From, double? To)
{
    private const int DefaultBuckets = 1_000;
    private const int MaxBuckets = 10_000;

    /// <summary>How many buckets a curve has.</summary>
    /// <exception cref="ApiException">400.</exception>
    public static int CheckBuckets(int? buckets) => Check.Range(buckets ?? DefaultBuckets, "buckets", 1, MaxBuckets);

    /// <summary>The key.</summary>
    /// <exception cref="ApiException">400.</exception>
    public string RequireKey()
    {
        Check.Length(Key, "key", 1, 250);
        return Key;
    }

    /// <summary>What is asked of the curve.</summary>
    /// <exception cref="ApiException">400 naming the parameter.</exception>
    public CurveQuery ToQuery() => new(
        CheckBuckets(Buckets), Metrics.Smoothing.Of(Smoothing, EnumText.Parse<SmoothingKind>(SmoothingKind, "smoothingKind")),
        new StepRange(FromStep ?? long.MinValue, ToStep ?? long.MaxValue), From, To);

    /// <summary>What its x axis shows.</summary>
    /// <exception cref="ApiException">400.</exception>
    public MetricAxis ToAxis() => EnumText.Parse<MetricAxis>(Axis, "axis") ?? MetricAxis.Step;
}
