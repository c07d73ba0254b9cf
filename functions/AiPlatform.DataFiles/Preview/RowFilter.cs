using AiPlatform.DataFiles.Engine;

namespace AiPlatform.DataFiles.Preview;

/// <summary>A condition on rows, such as <c>age &gt;= 18 and country in ('CN', 'DE') and not email is null</c>, as SQL.</summary>
/// <param name="Sql">True for the rows that satisfy it.</param>
/// <param name="Parameters">The values in it.</param>
/// <param name="Patterns">Its regular expressions.</param>
internal sealed record RowFilter(string Sql, IReadOnlyList<object?> Parameters, IReadOnlyList<FilterPattern> Patterns)
{
    /// <summary>Parses a condition.</summary>
    /// <param name="text">The condition.</param>
    /// <param name="columns">The table's columns.</param>
    /// <exception cref="FilterException">It is none; the exception says where and why.</exception>
    public static RowFilter Parse(string text, IReadOnlyList<EngineColumn> columns) => new FilterParser(text, columns).Parse();
}
