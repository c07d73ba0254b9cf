using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Quality;

/// <summary>Finds the column that holds the class.</summary>
internal static class LabelColumn
{
    private const int MaxClasses = 20;
    private static readonly string[] Names = ["label", "labels", "target", "class", "species", "category", "y", "outcome", "标签", "类别"];

    /// <summary>The named column; without a name one with a usual name and few values.</summary>
    public static ColumnProfile? Find(TableProfile table, string? label) => label is null
        ? table.Columns.FirstOrDefault(static column => Names.Contains(column.Name.ToLowerInvariant()) && IsClass(column))
        : table.Columns.FirstOrDefault(column => column.Name == label && IsClass(column));

    private static bool IsClass(ColumnProfile column)
        => column is { Type: ColumnType.Integer or ColumnType.Boolean or ColumnType.Category or ColumnType.Text, IsDistinctExact: true, Distinct: >= 2 and <= MaxClasses };
}
