namespace AiPlatform.MLflow.Traces;

/// <summary>
/// Normalised pointwise mutual information of two events: 1 when they happen together only, 0 when they know nothing of each other, -1 when
/// they exclude each other; NaN when one of them never happens.
/// </summary>
internal static class Correlation
{
    /// <summary>Jeffreys' prior, added to each cell of the table.</summary>
    public const double Jeffreys = 0.5;

    /// <summary>The value for counts of both, of each and of all.</summary>
    public static double Npmi(long joint, long first, long second, long total, double smoothing)
    {
        if (total <= 0 || first == 0 || second == 0)
        {
            return double.NaN;
        }

        if (joint == 0 && smoothing == 0)
        {
            return -1;
        }

        var neither = total - first - second + joint;
        if (first == joint && second == joint && neither == 0)
        {
            return 1;
        }

        var both = joint + smoothing;
        var all = total + (4 * smoothing);
        var log = Math.Log(both / all);
        return Math.Clamp((log - Math.Log((first + (2 * smoothing)) / all) - Math.Log((second + (2 * smoothing)) / all)) / -log, -1, 1);
    }
}
