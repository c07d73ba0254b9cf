using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// Smooths a series where somebody looks at it: the values at some places are worked out from all points, so that a curve of
/// a million points costs what its buckets cost. Only finite values count; a place without any around it has no value.
/// </summary>
/// <param name="Amount">What it means depends on <paramref name="Kind"/>.</param>
internal sealed record Smoothing(SmoothingKind Kind, double Amount)
{
    private const double MaxWeight = 0.9999;
    private const int MaxWindow = 10_000;
    private const double MaxDeviation = 1_000;

    /// <summary>Beyond this many standard deviations a point weighs less than 1/2980 of the one in the middle.</summary>
    private const int Deviations = 4;

    /// <summary>What the caller asked for; null for none.</summary>
    /// <exception cref="ApiException">400 naming <c>smoothing</c>.</exception>
    public static Smoothing? Of(double? amount, SmoothingKind? kind)
    {
        if (amount is not { } value)
        {
            Check.That(kind is null, "smoothing", "required");
            return null;
        }

        switch (kind ?? SmoothingKind.Exponential)
        {
            case SmoothingKind.Exponential:
                Check.Range(value, "smoothing", 0, MaxWeight);
                break;
            case SmoothingKind.MovingAverage:
                Check.Range(value, "smoothing", 1, MaxWindow);
                Check.That(double.IsInteger(value), "smoothing", "range", 1, MaxWindow);
                break;
            case SmoothingKind.Gaussian:
                Check.Range(value, "smoothing", 0, MaxDeviation);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind.");
        }

        return new Smoothing(kind ?? SmoothingKind.Exponential, value);
    }

    /// <summary>The smoothed values at some points.</summary>
    /// <param name="points">In the order of the axis.</param>
    /// <param name="places">Indexes into <paramref name="points"/>, ascending.</param>
    public double?[] At(ReadOnlySpan<StoredPoint> points, ReadOnlySpan<int> places) => Kind switch
    {
        SmoothingKind.Exponential => Exponential(points, places, Amount),
        SmoothingKind.MovingAverage => MovingAverage(points, places, (int)Amount),
        SmoothingKind.Gaussian => Gaussian(points, places, Amount),
        _ => throw new InvalidOperationException($"Unknown kind {Kind}."),
    };

    private static double?[] Exponential(ReadOnlySpan<StoredPoint> points, ReadOnlySpan<int> places, double past)
    {
        var result = new double?[places.Length];
        var (sum, weight, next) = (0.0, 0.0, 0);
        for (var i = 0; i < places.Length; i++)
        {
            for (; next <= places[i]; next++)
            {
                if (double.IsFinite(points[next].Value))
                {
                    sum = (sum * past) + ((1 - past) * points[next].Value);
                    weight = (weight * past) + (1 - past);
                }
            }

            // The weights up to here do not add up to one: dividing by their sum takes the pull towards zero out.
            result[i] = weight > 0 ? sum / weight : null;
        }

        return result;
    }

    private static double?[] MovingAverage(ReadOnlySpan<StoredPoint> points, ReadOnlySpan<int> places, int window)
    {
        var result = new double?[places.Length];
        for (var i = 0; i < places.Length; i++)
        {
            var (sum, count) = (0.0, 0);
            var end = Math.Min(points.Length - 1, places[i] + (window / 2));
            for (var at = Math.Max(0, places[i] - ((window - 1) / 2)); at <= end; at++)
            {
                if (double.IsFinite(points[at].Value))
                {
                    sum += points[at].Value;
                    count++;
                }
            }

            result[i] = count > 0 ? sum / count : null;
        }

        return result;
    }

    private static double?[] Gaussian(ReadOnlySpan<StoredPoint> points, ReadOnlySpan<int> places, double deviation)
    {
        var radius = (int)Math.Ceiling(deviation * Deviations);
        var weights = new double[radius + 1];
        weights[0] = 1;
        for (var i = 1; i <= radius; i++)
        {
            weights[i] = Math.Exp(-(double)i * i / (2 * deviation * deviation));
        }

        var result = new double?[places.Length];
        for (var i = 0; i < places.Length; i++)
        {
            var (sum, weight) = (0.0, 0.0);
            var end = Math.Min(points.Length - 1, places[i] + radius);
            for (var at = Math.Max(0, places[i] - radius); at <= end; at++)
            {
                if (double.IsFinite(points[at].Value))
                {
                    var share = weights[Math.Abs(at - places[i])];
                    sum += share * points[at].Value;
                    weight += share;
                }
            }

            result[i] = weight > 0 ? sum / weight : null;
        }

        return result;
    }
}
