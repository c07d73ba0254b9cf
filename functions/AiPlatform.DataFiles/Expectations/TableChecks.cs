using System.Globalization;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Expectations;

/// <summary>Judges a table by its expectations.</summary>
internal sealed class TableChecks
{
    private readonly List<(int Column, ValueCheck Check)> _checks = [];
    private readonly List<(int Column, QuantileCheck Check)> _quantiles = [];
    private readonly List<RowCheck> _rows = [];
    private readonly List<(Expectation Expectation, string Problem)> _unjudged = [];
    private readonly IReadOnlyList<Expectation> _expectations;
    private readonly ColumnVector?[] _vectors;

    /// <param name="columns">The table's columns.</param>
    /// <param name="expectations">What is expected of it.</param>
    /// <param name="dateOrder">How 01/02/2024 is read; null where nobody told.</param>
    public TableChecks(IReadOnlyList<TableColumn> columns, IReadOnlyList<Expectation> expectations, DateOrder? dateOrder = null)
    {
        _expectations = expectations;
        _vectors = new ColumnVector?[columns.Count];
        var places = columns.Select(static (column, index) => (column.Name, index)).ToDictionary(static pair => pair.Name, static pair => pair.index, StringComparer.Ordinal);
        foreach (var expectation in expectations)
        {
            if (expectation.Problem is { } problem)
            {
                _unjudged.Add((expectation, problem));
            }
            else if (ExpectationTypes.OfValues.ContainsKey(expectation.Type) && places.TryGetValue(expectation.Column!, out var column))
            {
                _checks.Add((column, new ValueCheck(expectation, columns[column], dateOrder)));
            }
            else if (expectation.Quantiles.Count > 0 && places.TryGetValue(expectation.Column!, out column))
            {
                _quantiles.Add((column, new QuantileCheck(expectation)));
            }
            else if (ExpectationTypes.OfRows.ContainsKey(expectation.Type) && expectation.Columns.All(places.ContainsKey))
            {
                _rows.Add(new RowCheck(expectation, [.. expectation.Columns.Select(name => places[name])]));
            }
            else if (!ExpectationTypes.OfTables.ContainsKey(expectation.Type) || expectation.Quantiles.Count > 0)
            {
                _unjudged.Add((expectation, "the column does not exist"));
            }
        }
    }

    /// <summary>The places of the columns whose values are judged.</summary>
    public IReadOnlySet<int> Columns => _checks.Select(static check => check.Column).Concat(_quantiles.Select(static check => check.Column))
        .Concat(_rows.SelectMany(static check => check.Columns)).ToHashSet();

    /// <summary>Judges the values of one of <see cref="Columns"/> in a chunk.</summary>
    public void Add(int column, ColumnVector values)
    {
        foreach (var (index, check) in _checks)
        {
            if (index == column)
            {
                check.Add(values);
            }
        }

        foreach (var (index, check) in _quantiles)
        {
            if (index == column)
            {
                check.Add(values);
            }
        }

        _vectors[column] = values;
    }

    /// <summary>Judges the rows of a chunk all of whose <see cref="Columns"/> have come.</summary>
    public void EndChunk()
    {
        foreach (var check in _rows)
        {
            check.Add(_vectors);
        }

        Array.Clear(_vectors);
    }

    /// <summary>What became of every expectation.</summary>
    public IReadOnlyList<ExpectationResult> Build(TableProfile table)
    {
        var columns = table.Columns.Select(static column => column.Name).ToList();
        var aggregates = _expectations
            .Where(static expectation => expectation is { Problem: null, Quantiles.Count: 0 } && ExpectationTypes.OfTables.ContainsKey(expectation.Type))
            .Select(expectation => Judge(expectation, table, columns));
        return
        [
            .. _checks.Select(check => check.Check.Build(table)), .. _rows.Select(check => check.Build(table.Name)), .. _quantiles.Select(check => check.Check.Build(table.Name)),
            .. _unjudged.Select(pair => Result(pair.Expectation, table, false, null, pair.Problem)), .. aggregates,
        ];
    }

    private static ExpectationResult Judge(Expectation expectation, TableProfile table, List<string> columns)
    {
        switch (expectation.Type)
        {
            case "expect_column_to_exist":
                return Result(expectation, table, columns.Contains(expectation.Column!), null);
            case "expect_table_row_count_to_be_between" or "expect_table_row_count_to_equal":
                return Between(expectation, table, table.Rows);
            case "expect_table_column_count_to_be_between" or "expect_table_column_count_to_equal":
                return Between(expectation, table, columns.Count);
            case "expect_table_columns_to_match_ordered_list":
                return Result(expectation, table, columns.SequenceEqual(expectation.Values, StringComparer.Ordinal), string.Join(", ", columns));
            case "expect_table_columns_to_match_set":
                return Result(expectation, table, columns.ToHashSet(StringComparer.Ordinal).SetEquals(expectation.Values), string.Join(", ", columns));
        }

        if (table.Columns.FirstOrDefault(column => column.Name == expectation.Column) is not { } profile)
        {
            return Result(expectation, table, false, null, "the column does not exist");
        }

        var values = profile.Count - profile.Missing;
        return expectation.Type switch
        {
            "expect_column_values_to_be_in_type_list" => Result(
                expectation, table, expectation.Values.Any(name => IsOfType(profile, name)), profile.Type.ToString()),
            "expect_column_values_to_be_of_type" => Result(expectation, table, IsOfType(profile, expectation.TypeName!), profile.Type.ToString()),
            "expect_column_unique_value_count_to_be_between" => Between(expectation, table, profile.Distinct),
            "expect_column_proportion_of_unique_values_to_be_between" => Between(expectation, table, values == 0 ? null : (double)profile.Distinct / values),
            "expect_column_proportion_of_non_null_values_to_be_between" => Between(expectation, table, 1 - profile.MissingRatio),
            "expect_column_mean_to_be_between" => Between(expectation, table, profile.Numeric?.Mean),
            "expect_column_median_to_be_between" => Between(expectation, table, profile.Numeric?.Quantiles[3]),
            "expect_column_min_to_be_between" => expectation.Times is null ? Between(expectation, table, profile.Numeric?.Min) : Between(expectation, table, profile.Time?.First),
            "expect_column_max_to_be_between" => expectation.Times is null ? Between(expectation, table, profile.Numeric?.Max) : Between(expectation, table, profile.Time?.Last),
            "expect_column_stdev_to_be_between" => Between(expectation, table, profile.Numeric?.StandardDeviation),
            "expect_column_sum_to_be_between" => Between(expectation, table, profile.Numeric?.Mean * (values - profile.Mismatches)),
            _ => throw new InvalidOperationException($"{expectation.Type} is not known."),
        };
    }

    private static ExpectationResult Between(Expectation expectation, TableProfile table, double? observed) => observed is { } value
        ? Result(expectation, table, expectation.Admits(value), value.ToString(CultureInfo.InvariantCulture))
        : Result(expectation, table, false, null, "the column has no numbers");

    private static ExpectationResult Between(Expectation expectation, TableProfile table, string? time)
        => time is not null && ValueParser.TryTime(time, out var ticks, out _)
            ? Result(expectation, table, expectation.AdmitsTime(ticks), time)
            : Result(expectation, table, false, null, "the column has no points in time, or nothing tells their order");

    private static ExpectationResult Result(Expectation expectation, TableProfile table, bool success, string? observed, string? problem = null)
        => new(expectation.Type, expectation.Column ?? (expectation.Columns.Count > 0 ? string.Join(", ", expectation.Columns) : null), table.Name, expectation.Severity, expectation.Mostly, success, observed, table.Rows, 0, [], problem);

    // The declared name, ours, or one of those that pandas users write.
    private static bool IsOfType(ColumnProfile column, string name)
    {
        var wanted = name.ToUpperInvariant();
        return name.Equals(column.Declared, StringComparison.OrdinalIgnoreCase) || name.Equals(column.Type.ToString(), StringComparison.OrdinalIgnoreCase) || column.Type switch
        {
            ColumnType.Integer => wanted is "INT" or "INT64" or "INT32" or "LONG" or "BIGINT",
            ColumnType.Number => wanted is "FLOAT" or "FLOAT64" or "FLOAT32" or "DOUBLE" or "DECIMAL",
            ColumnType.Boolean => wanted is "BOOL",
            ColumnType.Category or ColumnType.Text => wanted is "STR" or "STRING" or "OBJECT" or "VARCHAR" or "TEXT",
            ColumnType.Date or ColumnType.Timestamp => wanted is "DATETIME" or "DATETIME64" or "TIMESTAMP" or "DATE",
            ColumnType.Unknown or ColumnType.Opaque => false,
            _ => throw new InvalidOperationException($"Unknown type {column.Type}."),
        };
    }
}
