using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Drift;

/// <summary>Values that came or went: a column whose share of missing values changed has drifted, whatever the values that are left say.</summary>
internal static class MissingDrift
{
    private const double PsiLimit = 0.2;
    private const double PLimit = 0.01;
    private const int MinRows = 20;

    /// <summary>The drift of the missing values if there is one, and it is larger than that of the values.</summary>
    public static ColumnDrift? Or(ColumnDrift? values, ColumnSketch before, ColumnSketch now)
    {
        if (before.Count < MinRows || now.Count < MinRows)
        {
            return values;
        }

        double[] earlier = [before.Missing, before.Count - before.Missing];
        double[] current = [now.Missing, now.Count - now.Missing];
        var psi = DriftTests.PsiOfCounts(earlier, current);
        var (statistic, p) = DriftTests.ChiSquare(earlier, current);
        return psi >= PsiLimit && p < PLimit && !(values is { HasDrifted: true } && values.Psi >= psi)
            ? new ColumnDrift(now.Name, "missing", psi, statistic, p, (double)before.Missing / before.Count, (double)now.Missing / now.Count, true)
            : values;
    }
}
