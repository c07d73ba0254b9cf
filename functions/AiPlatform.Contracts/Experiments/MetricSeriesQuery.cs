namespace AiPlatform.Contracts.Experiments;

/// <summary>How one metric is shown.</summary>
/// <param name="Buckets">1–10,000; 1,000 when absent.</param>
/// <param name="Smoothing">The amount, as <paramref name="SmoothingKind"/> reads it.</param>
/// <param name="SmoothingKind">Exponential when absent.</param>
/// <param name="Axis">The step when absent.</param>
/// <param name="From">Leaves out points before this place on the axis (a step, or seconds).</param>
/// <param name="To">Leaves out points after this place on the axis.</param>
public sealed record MetricSeriesQuery(
    int? Buckets = null, double? Smoothing = null, SmoothingKind? SmoothingKind = null, MetricAxis? Axis = null, double? From = null, double? To = null);
