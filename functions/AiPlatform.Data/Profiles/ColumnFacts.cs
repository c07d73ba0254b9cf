namespace AiPlatform.Data.Profiles;

/// <summary>What was found out about a column.</summary>
/// <param name="Sample">Its values of the drawn rows.</param>
/// <param name="Categories">Its most frequent values, more than a profile shows.</param>
/// <param name="Issue">Why it could not be read; null when it could.</param>
internal sealed record ColumnFacts(ColumnProfile Profile, ColumnSample Sample, IReadOnlyList<ValueCount> Categories, DataIssue? Issue = null)
{
    /// <summary>What the column is compared by later.</summary>
    public ColumnSketch Sketch() => new(
        Profile.Name, Profile.Type, Profile.Count, Profile.Missing,
        Profile.Type is ColumnType.Integer or ColumnType.Number ? [.. Sample.Numbers.Where(double.IsFinite)] : null,
        Profile.Type is ColumnType.Category or ColumnType.Boolean ? Categories : null,
        Profile.Distinct <= Categories.Count);
}
