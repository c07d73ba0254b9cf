using AiPlatform.DataFiles.Statistics;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Correlations between the columns of a table, on its sample of rows.</summary>
internal static class Correlations
{
    private const int MaxNumeric = 40;
    private const int MaxCategories = 20;
    private const int MinRows = 10;
    private const int MaxKept = 200;

    /// <summary>The strongest ones, by their size.</summary>
    public static IReadOnlyList<Correlation> Of(ColumnProfile[] columns, IReadOnlyList<ColumnSample> samples, int rows)
    {
        var found = new List<Correlation>();
        var numeric = Indices(columns, static column => column.Type is ColumnType.Integer or ColumnType.Number).Take(MaxNumeric).ToList();
        var categories = Indices(columns, static column => column.Type == ColumnType.Category).Take(MaxCategories).ToList();
        for (var i = 0; i < numeric.Count; i++)
        {
            for (var j = i + 1; j < numeric.Count; j++)
            {
                Numeric(columns[numeric[i]].Name, columns[numeric[j]].Name, samples[numeric[i]].Numbers, samples[numeric[j]].Numbers, rows, found);
            }
        }

        for (var i = 0; i < categories.Count; i++)
        {
            for (var j = i + 1; j < categories.Count; j++)
            {
                Categories(columns[categories[i]].Name, columns[categories[j]].Name, samples[categories[i]].Texts, samples[categories[j]].Texts, rows, found);
            }
        }

        return [.. found.OrderByDescending(static pair => Math.Abs(pair.Value)).Take(MaxKept)];
    }

    private static IEnumerable<int> Indices(ColumnProfile[] columns, Func<ColumnProfile, bool> wanted) => Enumerable.Range(0, columns.Length).Where(index => wanted(columns[index]) && !columns[index].IsConstant);

    private static void Numeric(string leftName, string rightName, double[] left, double[] right, int rows, List<Correlation> found)
    {
        if (left.Length == 0 || right.Length == 0)
        {
            return;
        }

        var (x, y) = (new List<double>(rows), new List<double>(rows));
        for (var row = 0; row < rows; row++)
        {
            if (double.IsFinite(left[row]) && double.IsFinite(right[row]))
            {
                x.Add(left[row]);
                y.Add(right[row]);
            }
        }

        if (x.Count < MinRows)
        {
            return;
        }

        var (a, b) = (x.ToArray(), y.ToArray());
        Add(found, new Correlation(leftName, rightName, "pearson", Association.Pearson(a, b), a.Length));
        Add(found, new Correlation(leftName, rightName, "spearman", Association.Spearman(a, b), a.Length));
    }

    private static void Categories(string leftName, string rightName, string?[] left, string?[] right, int rows, List<Correlation> found)
    {
        if (left.Length == 0 || right.Length == 0)
        {
            return;
        }

        var (codesLeft, codesRight) = (new Dictionary<string, int>(StringComparer.Ordinal), new Dictionary<string, int>(StringComparer.Ordinal));
        var (x, y) = (new List<int>(rows), new List<int>(rows));
        for (var row = 0; row < rows; row++)
        {
            if (left[row] is { } l && right[row] is { } r)
            {
                x.Add(Code(codesLeft, l));
                y.Add(Code(codesRight, r));
            }
        }

        if (x.Count >= MinRows)
        {
            Add(found, new Correlation(leftName, rightName, "cramersV", Association.CramersV(x.ToArray(), y.ToArray()), x.Count));
        }
    }

    private static int Code(Dictionary<string, int> codes, string value)
    {
        if (!codes.TryGetValue(value, out var code))
        {
            codes.Add(value, code = codes.Count);
        }

        return code;
    }

    private static void Add(List<Correlation> found, Correlation correlation)
    {
        if (double.IsFinite(correlation.Value))
        {
            found.Add(correlation);
        }
    }
}
