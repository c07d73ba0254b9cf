using AiPlatform.DataFiles.Pii;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>A value and how often it is there.</summary>
/// <param name="Value">The value.</param>
/// <param name="Count">How often it occurs.</param>
public sealed record ValueCount(string Value, long Count);

/// <summary>A value far from the rest, and where it is.</summary>
/// <param name="Row">The row in its table, from 1, over all of its files.</param>
/// <param name="Value">The value.</param>
public sealed record RowValue(long Row, double Value);

/// <summary>A bar of a histogram: values from <paramref name="From"/> (included) to <paramref name="To"/>.</summary>
/// <param name="From">Where the bar begins.</param>
/// <param name="To">Where the bar ends.</param>
/// <param name="Count">Values in it.</param>
public sealed record HistogramBar(double From, double To, long Count);

/// <summary>Values outside of what the middle of the column lets expect.</summary>
/// <param name="IqrLow">Below it a value is an outlier: first quartile less 1.5 interquartile ranges.</param>
/// <param name="IqrHigh">Above it a value is an outlier: third quartile and 1.5 interquartile ranges.</param>
/// <param name="IqrCount">Values outside of these.</param>
/// <param name="RobustLow">The value whose robust z-score (by the median absolute deviation) is -3.5; null when the deviation is 0.</param>
/// <param name="RobustHigh">The same for 3.5.</param>
/// <param name="RobustCount">Values outside of these.</param>
/// <param name="Smallest">The smallest outliers.</param>
/// <param name="Largest">The largest outliers.</param>
public sealed record OutlierProfile(
    double IqrLow, double IqrHigh, long IqrCount, double? RobustLow, double? RobustHigh, long RobustCount,
    IReadOnlyList<RowValue> Smallest, IReadOnlyList<RowValue> Largest)
{
    /// <summary>Below it a value is an outlier by either rule.</summary>
    internal double Low => Math.Max(IqrLow, RobustLow ?? IqrLow);

    /// <summary>Above it a value is an outlier by either rule.</summary>
    internal double High => Math.Min(IqrHigh, RobustHigh ?? IqrHigh);

    /// <summary>Whether either rule calls the value an outlier.</summary>
    public bool Contains(double value) => value < IqrLow || value > IqrHigh || value < RobustLow || value > RobustHigh;
}

/// <summary>The numbers of a column.</summary>
/// <param name="Min">The smallest value.</param>
/// <param name="Max">The largest value.</param>
/// <param name="Mean">The mean.</param>
/// <param name="StandardDeviation">The standard deviation.</param>
/// <param name="Skewness">The skewness.</param>
/// <param name="Kurtosis">The excess kurtosis.</param>
/// <param name="Zeros">Values that are zero.</param>
/// <param name="Negatives">Values below zero.</param>
/// <param name="Quantiles">Values at 1, 5, 25, 50, 75, 95 and 99 percent.</param>
/// <param name="IsExact">Whether quantiles and outliers are exact; beyond some millions of different values quantiles are approximate.</param>
/// <param name="Outliers">Values far from the others.</param>
/// <param name="Histogram">How the values are spread.</param>
/// <param name="Infinite">Values that are infinite: they are there, but not in the other numbers.</param>
public sealed record NumericProfile(
    double Min, double Max, double Mean, double StandardDeviation, double Skewness, double Kurtosis, long Zeros, long Negatives,
    IReadOnlyList<double> Quantiles, bool IsExact, OutlierProfile Outliers, IReadOnlyList<HistogramBar> Histogram, long Infinite = 0)
{
    /// <summary>The shares of <see cref="Quantiles"/>.</summary>
    public static IReadOnlyList<double> Shares { get; } = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
}

/// <summary>The texts of a column.</summary>
/// <param name="MinLength">The length of the shortest text, in characters.</param>
/// <param name="MaxLength">The length of the longest text, in characters.</param>
/// <param name="MeanLength">The mean length, in characters.</param>
/// <param name="MedianLength">The median length, in characters.</param>
/// <param name="Lengths">How the lengths are spread.</param>
/// <param name="Languages">Texts for each language that could be told; of the texts that were looked at.</param>
/// <param name="Examined">Texts whose language was looked for.</param>
public sealed record TextProfile(
    int MinLength, int MaxLength, double MeanLength, double MedianLength, IReadOnlyList<HistogramBar> Lengths, IReadOnlyList<ValueCount> Languages, long Examined);

/// <summary>The points in time of a column, as ISO 8601.</summary>
/// <param name="First">The first time.</param>
/// <param name="Last">The last time.</param>
public sealed record TimeProfile(string First, string Last);

/// <summary>Personal data in a column.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Rows">Rows that hold it.</param>
/// <param name="Examples">A few, masked.</param>
public sealed record PiiFinding(PiiKind Kind, long Rows, IReadOnlyList<string> Examples);

/// <summary>A column.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Declared">The type that the file names.</param>
/// <param name="Type">What its values mean.</param>
/// <param name="Count">Rows.</param>
/// <param name="Missing">Rows without a value.</param>
/// <param name="Distinct">Different values.</param>
/// <param name="IsDistinctExact">Whether that is counted, not estimated.</param>
/// <param name="Mismatches">Values that are not of the type that the others are of.</param>
/// <param name="Top">The most frequent values.</param>
/// <param name="TopError">How much their counts may be too small.</param>
/// <param name="Numeric">Statistics of numbers; null for other columns.</param>
/// <param name="Text">Statistics of texts; null for other columns.</param>
/// <param name="Time">The range of times; null for other columns.</param>
/// <param name="Pii">Personal data that its values look like.</param>
public sealed record ColumnProfile(
    string Name, string Declared, ColumnType Type, long Count, long Missing, long Distinct, bool IsDistinctExact, long Mismatches,
    IReadOnlyList<ValueCount> Top, long TopError, NumericProfile? Numeric, TextProfile? Text, TimeProfile? Time, IReadOnlyList<PiiFinding> Pii)
{
    /// <summary>How dates such as 01/02/2024 were read; null where there are none.</summary>
    public DateColumn? Dates { get; init; }

    /// <summary>Whether there is one value in all rows.</summary>
    public bool IsConstant => Count > 1 && Missing < Count && Distinct == 1;

    /// <summary>Whether every row has a value of its own; at most one has none.</summary>
    internal bool IsUnique => Missing <= 1 && Distinct + Missing == Count;

    /// <summary>The share of rows without a value.</summary>
    public double MissingRatio => Count == 0 ? 0 : (double)Missing / Count;
}

/// <summary>How two columns go together.</summary>
/// <param name="Left">One column.</param>
/// <param name="Right">The other column.</param>
/// <param name="Method"><c>pearson</c>, <c>spearman</c> or <c>cramersV</c>.</param>
/// <param name="Value">The coefficient, -1 to 1.</param>
/// <param name="Rows">Rows that had both values.</param>
public sealed record Correlation(string Left, string Right, string Method, double Value, int Rows);

/// <summary>A table: files with the same columns, taken together.</summary>
/// <param name="Name">The table's path, or that of its parts with <c>*</c> for what differs.</param>
/// <param name="Files">The paths of its files.</param>
/// <param name="FileCount">How many files it has.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Duplicates">Rows that repeat an earlier row.</param>
/// <param name="AreDuplicatesExact">Whether that is counted, not scaled up from a part.</param>
/// <param name="Columns">What each column is like.</param>
/// <param name="Correlations">Which columns go together.</param>
/// <param name="Issues">The first things that were wrong with the files.</param>
/// <param name="IssueCount">How many there were.</param>
public sealed record TableProfile(
    string Name, IReadOnlyList<string> Files, int FileCount, long Rows, long Duplicates, bool AreDuplicatesExact, IReadOnlyList<ColumnProfile> Columns,
    IReadOnlyList<Correlation> Correlations, IReadOnlyList<DataIssue> Issues, long IssueCount)
{
    /// <summary>How the first file is written, for formats of text.</summary>
    public TableDialect? Dialect { get; init; }
}

/// <summary>What a table is compared by later: a sample of its numbers, the counts of its categories.</summary>
public sealed record ColumnSketch(string Name, ColumnType Type, long Count, long Missing, IReadOnlyList<double>? Sample, IReadOnlyList<ValueCount>? Categories, bool AreCategoriesExact);

/// <summary>The sketches of a table.</summary>
public sealed record TableSketch(string Name, long Rows, IReadOnlyList<ColumnSketch> Columns);
