namespace AiPlatform.DataFiles.Profiles;

/// <summary>A column's values of the rows that are drawn for comparisons: the same rows in every column.</summary>
/// <param name="Numbers">NaN where there is none; empty for a column without numbers.</param>
/// <param name="Texts">Null where there is none; empty for a column without texts.</param>
internal sealed record ColumnSample(double[] Numbers, string?[] Texts)
{
    /// <summary>Nothing.</summary>
    public static ColumnSample Empty { get; } = new([], []);
}
