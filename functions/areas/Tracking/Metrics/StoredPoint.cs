using System.Runtime.InteropServices;

namespace AiPlatform.Tracking.Metrics;

/// <summary>One point of a series as it is stored.</summary>
/// <param name="Step">Training step.</param>
/// <param name="At">Microseconds since 1970.</param>
/// <param name="Value">May be NaN or infinite.</param>
/// <param name="Lane">See <see cref="MetricLane"/>.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StoredPoint(long Step, long At, double Value, int Lane)
{
    /// <summary>The order of a series: step, lane, time, value (NaN first).</summary>
    public static int Compare(StoredPoint left, StoredPoint right)
    {
        var order = left.Step.CompareTo(right.Step);
        order = order != 0 ? order : left.Lane.CompareTo(right.Lane);
        order = order != 0 ? order : left.At.CompareTo(right.At);
        return order != 0 ? order : left.Value.CompareTo(right.Value);
    }

    /// <summary>Sorts points and drops those that an unnumbered lane holds twice; answers how many are left at the front.</summary>
    public static int Normalize(Span<StoredPoint> points)
    {
        var ascending = 1;
        while (ascending < points.Length && Compare(points[ascending - 1], points[ascending]) < 0)
        {
            ascending++;
        }

        // Almost always: then no two are equal either.
        if (ascending >= points.Length)
        {
            return points.Length;
        }

        points.Sort(Compare);
        var count = 0;
        for (var i = 0; i < points.Length; i++)
        {
            if (count == 0 || MetricLane.IsNumbered(points[i].Lane) || Compare(points[i], points[count - 1]) != 0)
            {
                points[count++] = points[i];
            }
        }

        return count;
    }
}

/// <summary>
/// Who wrote a point: its attempt, and whether its source numbers its points. Numbered points are exactly once by their
/// sequence; of unnumbered ones (MLflow clients, which repeat a request that they saw fail) equal points are one.
/// </summary>
internal static class MetricLane
{
    public static int Of(int attempt, bool numbered) => (attempt * 2) + (numbered ? 1 : 0);

    public static int Attempt(int lane) => lane >> 1;

    public static bool IsNumbered(int lane) => (lane & 1) == 1;
}
