using AiPlatform.Hosting;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>Answers a query from runs in memory; means the same as <see cref="SearchSql"/>.</summary>
internal sealed class RunMatcher(RunQuery query)
{
    /// <summary>The runs that the filter holds for, in the order; equal ones newest first, then by id.</summary>
    public RunDocument[] Search(RunTable table)
    {
        var clauses = query.Filter.Select(clause => Clause(table, clause)).ToArray();
        var columns = query.Order.Select(column => new SortColumn(table, column)).ToArray();
        var runs = table.Runs;
        var found = Enumerable.Range(0, runs.Length).Where(row => query.View.Shows(runs[row].Deleted) && Array.TrueForAll(clauses, clause => clause(row))).ToArray();
        Array.Sort(found, (left, right) =>
        {
            foreach (var column in columns)
            {
                if (column.Compare(left, right) is var result && result != 0)
                {
                    return result;
                }
            }

            return Natural(runs[left], runs[right]);
        });
        return Array.ConvertAll(found, row => runs[row]);
    }

    private static int Natural(RunDocument left, RunDocument right)
        => left.StartedAt == right.StartedAt ? string.CompareOrdinal(left.Id, right.Id)
            : left.StartedAt is null ? 1
            : right.StartedAt is null ? -1
            : right.StartedAt.Value.CompareTo(left.StartedAt.Value);

    // Whether a clause holds for a row of the table.
    private static Func<int, bool> Clause(RunTable table, Comparison clause)
    {
        if (clause.Kind == EntityKind.Dataset)
        {
            var matches = Text(clause);
            return row => table.Runs[row].Inputs.Exists(input => RunValues.Dataset(input, clause.Key) is { } value && matches(value));
        }

        if (RunValues.IsNumber(clause.Kind, clause.Key))
        {
            var numbers = table.Numbers(clause.Kind, clause.Key);
            var holds = Number(clause.Operator, clause.Number);
            return row => numbers[row] is { } value && holds(value);
        }

        var texts = table.Texts(clause.Kind, clause.Key);
        if (clause.Operator is "IS NULL" or "IS NOT NULL")
        {
            var missing = clause.Operator == "IS NULL";
            return row => texts[row] is null == missing;
        }

        var text = Text(clause);
        return row => texts[row] is { } value && text(value);
    }

    // NaN differs from every number, and that is all.
    private static Func<double, bool> Number(string comparison, double number) => comparison switch
    {
        "=" => value => value == number,
        "!=" => value => value != number,
        "<" => value => value < number,
        "<=" => value => value <= number,
        ">" => value => value > number,
        ">=" => value => value >= number,
        _ => throw new ArgumentOutOfRangeException(nameof(comparison), comparison, "Unknown comparison."),
    };

    private static Func<string, bool> Text(Comparison clause)
    {
        switch (clause.Operator)
        {
            case "=":
                return value => value == clause.Text;
            case "!=":
                return value => value != clause.Text;
            case "IN" or "NOT IN":
                var list = clause.Texts.ToHashSet(StringComparer.Ordinal);
                return clause.Operator == "IN" ? list.Contains : value => !list.Contains(value);
            case "LIKE" or "ILIKE":
                return new LikePattern(clause.Text, clause.Operator == "ILIKE").Matches;
            default:
                throw new ArgumentOutOfRangeException(nameof(clause), clause.Operator, "Unknown comparison.");
        }
    }
}
