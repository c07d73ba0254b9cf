using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Preview;

/// <summary>A condition on rows, such as <c>age &gt;= 18 and country in ('CN', 'DE') and not email is null</c>.</summary>
public sealed class RowFilter
{
    private readonly Func<ColumnVector?[], int, bool> _condition;

    internal RowFilter(Func<ColumnVector?[], int, bool> condition, IReadOnlyList<int> columns) => (_condition, Columns) = (condition, columns);

    /// <summary>The columns that the condition looks at.</summary>
    public IReadOnlyList<int> Columns { get; }

    /// <summary>Parses a condition.</summary>
    /// <param name="text">The condition.</param>
    /// <param name="columns">The table's columns.</param>
    /// <exception cref="FilterException">It is none; the exception says where and why.</exception>
    public static RowFilter Parse(string text, IReadOnlyList<TableColumn> columns) => new FilterParser(text, columns).Parse();

    /// <summary>Whether a row satisfies the condition.</summary>
    /// <param name="vectors">The vectors of <see cref="Columns"/>, each at its column's place.</param>
    public bool Matches(ColumnVector?[] vectors, int row) => _condition(vectors, row);
}

/// <summary>A condition cannot be understood.</summary>
/// <param name="position">Where, from 1.</param>
/// <param name="problem">What is wrong, in English.</param>
public sealed class FilterException(int position, string problem) : Exception($"{position}: {problem}")
{
    /// <summary>Where, from 1.</summary>
    public int Position { get; } = position;

    /// <summary>What is wrong.</summary>
    public string Problem { get; } = problem;
}
