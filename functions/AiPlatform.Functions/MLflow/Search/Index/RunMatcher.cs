using AiPlatform.Functions.MLflow.Tracking;

namespace AiPlatform.Functions.MLflow.Search.Index;

/// <summary>A filter and an order over runs in memory; means the same as <see cref="SearchSql"/>.</summary>
internal sealed class RunMatcher(IReadOnlyList<Comparison> filter, IReadOnlyList<Ordering> order)
{
    private readonly Func<RunDocument, bool>[] _clauses = [.. filter.Select(Clause)];

    /// <summary>The runs that the filter holds for, in the order; equal ones newest first, then by id.</summary>
    public RunDocument[] Search(IEnumerable<RunDocument> runs)
    {
        var found = runs.Where(run => Array.TrueForAll(_clauses, clause => clause(run))).ToArray();
        var columns = order.Select(column => new SortColumn(column, found)).ToArray();
        var places = Enumerable.Range(0, found.Length).ToArray();
        Array.Sort(places, (left, right) =>
        {
            foreach (var column in columns)
            {
                if (column.Compare(left, right) is var result && result != 0)
                {
                    return result;
                }
            }

            return Natural(found[left], found[right]);
        });
        return Array.ConvertAll(places, place => found[place]);
    }

    private static int Natural(RunDocument left, RunDocument right)
        => left.StartedAt == right.StartedAt ? string.CompareOrdinal(left.Id, right.Id)
            : left.StartedAt is null ? 1
            : right.StartedAt is null ? -1
            : right.StartedAt.Value.CompareTo(left.StartedAt.Value);

    private static Func<RunDocument, bool> Clause(Comparison clause)
    {
        var key = clause.Key;
        switch (clause.Kind)
        {
            case EntityKind.Metric:
                return run => RunValues.Metric(run, key) is { } value && Holds(clause, value);
            case EntityKind.Attribute when RunValues.IsNumber(key):
                return run => RunValues.Number(run, key) is { } value && Holds(clause, value);
            case EntityKind.Attribute:
                var attribute = Text(clause);
                return run => RunValues.Text(run, key) is { } value && attribute(value);
            case EntityKind.Param or EntityKind.Tag when clause.Operator is "IS NULL" or "IS NOT NULL":
                var missing = clause.Operator == "IS NULL";
                return run => RunValues.Entry(run, clause.Kind, key) is null == missing;
            case EntityKind.Param or EntityKind.Tag:
                var entry = Text(clause);
                return run => RunValues.Entry(run, clause.Kind, key) is { } value && entry(value);
            case EntityKind.Dataset:
                var dataset = Text(clause);
                return run => run.Inputs.Exists(input => RunValues.Dataset(input, key) is { } value && dataset(value));
            default:
                throw new ArgumentOutOfRangeException(nameof(clause), clause.Kind, "Unknown kind.");
        }
    }

    // NaN differs from every number, and that is all.
    private static bool Holds(Comparison clause, double value) => clause.Operator switch
    {
        "=" => value == clause.Number,
        "!=" => value != clause.Number,
        "<" => value < clause.Number,
        "<=" => value <= clause.Number,
        ">" => value > clause.Number,
        ">=" => value >= clause.Number,
        _ => throw new ArgumentOutOfRangeException(nameof(clause), clause.Operator, "Unknown comparison."),
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
