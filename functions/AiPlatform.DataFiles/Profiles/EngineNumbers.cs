using AiPlatform.DataFiles.Engine;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Profiles of numbers that are too many to be held: the engine counts and adds; only quantiles are approximate.</summary>
/// <param name="number">A cell as a number, in SQL.</param>
internal sealed class EngineNumbers(EngineSession session, EngineTable table, string number)
{
    /// <summary>Outliers at each end whose rows are named.</summary>
    public const int Extremes = 5;

    private string From => $"(SELECT {number} AS x FROM {table.From}) WHERE isfinite(x)";

    /// <summary>The profile; null when no number is finite.</summary>
    public async Task<NumericProfile?> ProfileAsync(CancellationToken cancellationToken)
    {
        var shares = string.Join(", ", NumericProfile.Shares.Select(static share => share.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        var basic = await session.OneAsync(
            $"SELECT count(*), min(x), max(x), avg(x), stddev_samp(x), count(*) FILTER (x = 0), count(*) FILTER (x < 0), approx_quantile(x, [{shares}]) FROM {From}", [],
            static row => row.GetInt64(0) == 0
                ? null
                : new NumericProfile(
                    row.GetDouble(1), row.GetDouble(2), row.GetDouble(3), row.IsDBNull(4) ? 0 : row.GetDouble(4), 0, 0, row.GetInt64(5), row.GetInt64(6),
                    row.GetFieldValue<List<double>>(7), IsExact: false, NumberSummary.Bounds(0, 0, 0, 0), []),
            cancellationToken).ConfigureAwait(false);
        if (basic is null)
        {
            return null;
        }

        var median = basic.Quantiles[3];
        var deviation = await session.OneAsync($"SELECT approx_quantile(abs(x - $1), 0.5) FROM {From}", [median], static row => row.GetDouble(0), cancellationToken).ConfigureAwait(false);
        var outliers = NumberSummary.Bounds(basic.Quantiles[2], basic.Quantiles[4], median, deviation);
        var (third, fourth, iqr, robust, count) = await session.OneAsync(
            "SELECT coalesce(avg(((x - $1) / $2) ** 3), 0), coalesce(avg(((x - $1) / $2) ** 4), 3), count(*) FILTER (x < $3 OR x > $4), count(*) FILTER (x < $5 OR x > $6), count(*) FROM " + From,
            [basic.Mean, basic.StandardDeviation > 0 ? basic.StandardDeviation : 1, outliers.IqrLow, outliers.IqrHigh, outliers.RobustLow ?? double.NegativeInfinity, outliers.RobustHigh ?? double.PositiveInfinity],
            static row => (row.GetDouble(0), row.GetDouble(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4)), cancellationToken).ConfigureAwait(false);
        var bars = new SortedDictionary<long, long>();
        if (basic.Max > basic.Min)
        {
            await session.ReadAsync(
                $"SELECT least(floor((x - $1) / ($2 - $1) * {NumberSummary.Bars}), {NumberSummary.Bars - 1})::BIGINT AS bar, count(*) FROM {From} GROUP BY bar", [basic.Min, basic.Max],
                row =>
                {
                    bars[row.GetInt64(0)] = row.GetInt64(1);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }

        var infinite = await session.OneAsync($"SELECT count(*) FILTER (isinf(x)) FROM (SELECT {number} AS x FROM {table.From})", [], static row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
        // From the sample deviation to that of all, which the biased moments are of.
        var scale = (double)count / Math.Max(1, count - 1);
        return basic with
        {
            Skewness = basic.StandardDeviation > 0 ? third * Math.Pow(scale, 1.5) : 0,
            Kurtosis = basic.StandardDeviation > 0 ? (fourth * scale * scale) - 3 : 0,
            Infinite = infinite,
            Outliers = outliers with
            {
                IqrCount = iqr,
                RobustCount = outliers.RobustLow is null ? 0 : robust,
                Smallest = await ExtremesAsync(session, table, number, "<", outliers.Low, cancellationToken).ConfigureAwait(false),
                Largest = await ExtremesAsync(session, table, number, ">", outliers.High, cancellationToken).ConfigureAwait(false),
            },
            Histogram = NumberSummary.Histogram(
                basic.Min, basic.Max, count, to => bars.Where(bar => NumberSummary.Edge(basic.Min, basic.Max, (int)bar.Key + 1) <= to).Sum(static bar => bar.Value)),
        };
    }

    /// <summary>The most extreme numbers beyond a bound, with their rows.</summary>
    /// <param name="side"><c>&lt;</c> or <c>&gt;</c>.</param>
    public static async Task<IReadOnlyList<RowValue>> ExtremesAsync(
        EngineSession session, EngineTable table, string number, string side, double bound, CancellationToken cancellationToken)
        => await session.ListAsync(
            $"SELECT {EngineTable.RowSql}, x FROM (SELECT rn, fi, {number} AS x FROM {table.From}) WHERE isfinite(x) AND x {side} $1 ORDER BY x {(side == "<" ? "ASC" : "DESC")}, fi, rn LIMIT {Extremes}",
            [bound], row => new RowValue(table.RowNumber(row, 0), row.GetDouble(2)), cancellationToken).ConfigureAwait(false);
}
