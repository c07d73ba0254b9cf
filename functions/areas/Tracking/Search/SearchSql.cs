using System.Text;
using Dapper;

namespace AiPlatform.Tracking.Search;

/// <summary>How a search finds an entity in SQL.</summary>
/// <param name="Attribute">The expression of an attribute.</param>
/// <param name="Rows">For entities with rows of their own: table with its condition on the searched row, and the expression of the value; the alias is <c>{0}</c>, the parameter of the key <c>{1}</c>.</param>
internal sealed record SearchColumns(Func<string, string> Attribute, Func<EntityKind, string, EntityRows> Rows)
{
    /// <summary>What to order an attribute by where that is not the attribute itself; null where it is.</summary>
    public Func<string, string?> Order { get; init; } = static _ => null;
}

/// <summary>Where the rows of an entity are.</summary>
/// <param name="Source">Table and alias, such as <c>run_params {0}</c>.</param>
/// <param name="Condition">Such as <c>{0}.run_id = r.id AND {0}.key = {1}</c>.</param>
/// <param name="Value">Such as <c>{0}.value</c>.</param>
internal readonly record struct EntityRows(string Source, string Condition, string Value);

/// <summary>Makes SQL of filters and orders. Values and keys become parameters; only operators and known names become text.</summary>
internal sealed class SearchSql(SearchColumns columns)
{
    private readonly StringBuilder _where = new();
    private readonly StringBuilder _joins = new();
    private readonly StringBuilder _order = new();
    private int _count;

    public DynamicParameters Parameters { get; } = new();

    /// <summary>Begins with <c> AND</c>, or is empty.</summary>
    public string Where => _where.ToString();

    public string Joins => _joins.ToString();

    /// <summary>Ends with a comma, or is empty.</summary>
    public string Order => _order.ToString();

    /// <summary>Adds clauses that must all hold.</summary>
    /// <param name="measured">What else must hold of the rows of metrics.</param>
    public SearchSql Filter(IEnumerable<Comparison> clauses, string measured = "")
    {
        foreach (var clause in clauses)
        {
            if (clause.Kind == EntityKind.Attribute)
            {
                _where.Append(" AND ").Append(Compare(columns.Attribute(clause.Key), clause, isMetric: false));
                continue;
            }

            var found = columns.Rows(clause.Kind, clause.Key);
            var rows = Place(clause.Kind == EntityKind.Metric ? found with { Condition = found.Condition + measured } : found, clause.Key);
            var condition = clause.Operator is "IS NULL" or "IS NOT NULL" ? string.Empty : $" AND {Compare(rows.Value, clause, clause.Kind == EntityKind.Metric)}";
            _where.Append($" AND {(clause.Operator == "IS NULL" ? "NOT " : string.Empty)}EXISTS (SELECT 1 FROM {rows.Source} WHERE {rows.Condition}{condition})");
        }

        return this;
    }

    /// <summary>Adds columns to order by: what is missing comes last, before it NaN.</summary>
    /// <param name="place">Where the rows of an entity are, if elsewhere than for filters: one row of each searched thing at most.</param>
    public SearchSql OrderBy(IEnumerable<Ordering> order, Func<EntityKind, string, EntityRows>? place = null)
    {
        foreach (var (kind, key, ascending) in order)
        {
            string expression;
            if (kind == EntityKind.Attribute)
            {
                expression = columns.Order(key) ?? columns.Attribute(key);
            }
            else
            {
                var rows = Place((place ?? columns.Rows)(kind, key), key);
                _joins.Append($" LEFT JOIN {rows.Source} ON {rows.Condition}");
                expression = rows.Value;
            }

            var nan = kind == EntityKind.Metric ? $"WHEN {expression} = 'NaN' THEN 1 " : string.Empty;
            var collation = kind is EntityKind.Param or EntityKind.Tag ? " COLLATE \"C\"" : string.Empty;
            _order.Append($"CASE WHEN {expression} IS NULL THEN 2 {nan}ELSE 0 END, {expression}{collation} {(ascending ? "ASC" : "DESC")}, ");
        }

        return this;
    }

    private string Compare(string expression, Comparison clause, bool isMetric)
    {
        if (clause.Texts.Count == 0)
        {
            // NaN is larger than every number for PostgreSQL, and differs from each; for us it only differs.
            var number = Add(clause.Number);
            return isMetric && clause.Operator != "!=" ? $"({expression} <> 'NaN' AND {expression} {clause.Operator} {number})" : $"{expression} {TextComparison.Sign(clause.Operator)} {number}";
        }

        return clause is { Operator: "=", Kind: EntityKind.Param or EntityKind.Tag }
            ? EqualText(expression, Add(clause.Text))
            : TextComparison.Sql(expression, clause.Operator, clause.Texts, Add);
    }

    // The indexes of values hold a prefix.
    private static string EqualText(string expression, string value) => $"(left({expression}, 64) = left({value}, 64) AND {expression} = {value})";

    private EntityRows Place(EntityRows rows, string key)
    {
        var alias = $"e{_count++}";
        var parameter = (rows.Condition + rows.Source).Contains("{1}", StringComparison.Ordinal) ? Add(key) : string.Empty;
        return new EntityRows(Fill(rows.Source), Fill(rows.Condition), Fill(rows.Value));

        string Fill(string text) => text.Replace("{0}", alias, StringComparison.Ordinal).Replace("{1}", parameter, StringComparison.Ordinal);
    }

    private string Add(object value)
    {
        var name = $"s{_count++}";
        Parameters.Add(name, value);
        return "@" + name;
    }
}
