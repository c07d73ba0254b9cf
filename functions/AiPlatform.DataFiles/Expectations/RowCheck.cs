using System.Globalization;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Statistics;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Expectations;

/// <summary>Judges several columns of each row together, while they are read.</summary>
/// <param name="expectation">What is expected.</param>
/// <param name="columns">The places of its columns in the table.</param>
internal sealed class RowCheck(Expectation expectation, int[] columns)
{
    private const int MaxExamples = 10;
    private const int MaxExample = 100;
    private const double Tolerance = 1e-9;

    private readonly DuplicateCounter _repeats = new();
    private readonly HashSet<(string?, string?)> _pairs = [.. expectation.Pairs.Select(static pair => (Normal(pair.Left), Normal(pair.Right)))];
    private readonly List<string> _examples = [];
    private readonly string?[] _texts = new string?[columns.Length];
    private long _examined;
    private long _unexpected;

    /// <summary>The places of the columns.</summary>
    public IReadOnlyList<int> Columns => columns;

    /// <summary>Judges the rows of a chunk.</summary>
    /// <param name="vectors">All columns of the table.</param>
    public void Add(IReadOnlyList<ColumnVector?> vectors)
    {
        Span<char> buffer = stackalloc char[40];
        var count = vectors[columns[0]]!.Count;
        for (var row = 0; row < count; row++)
        {
            var missing = 0;
            for (var i = 0; i < columns.Length; i++)
            {
                var vector = vectors[columns[i]]!;
                var isMissing = vector.IsMissing(row);
                missing += isMissing ? 1 : 0;
                _texts[i] = isMissing ? null : vector.Format(row, buffer).Trim().ToString();
            }

            if (IsIgnored(missing))
            {
                continue;
            }

            _examined++;
            if (!Admits())
            {
                _unexpected++;
                if (_examples.Count < MaxExamples)
                {
                    var example = string.Join(", ", _texts.Select(static text => text ?? "null"));
                    _examples.Add(example[..Math.Min(example.Length, MaxExample)]);
                }
            }
        }
    }

    /// <summary>What came out.</summary>
    public ExpectationResult Build(string table)
    {
        var success = _examined == 0 || (_examined - _unexpected) >= expectation.Mostly * _examined;
        return new ExpectationResult(
            expectation.Type, string.Join(", ", expectation.Columns), table, expectation.Severity, expectation.Mostly, success, null, _examined, _unexpected, _examples);
    }

    private bool IsIgnored(int missing) => expectation.IgnoreRowIf switch
    {
        "neither" or "never" => false,
        "any_value_is_missing" or "either_value_is_missing" => missing > 0,
        _ => missing == columns.Length,
    };

    private bool Admits() => expectation.Type switch
    {
        "expect_compound_columns_to_be_unique" or "expect_multicolumn_values_to_be_unique" => !_repeats.Add(Hash()),
        "expect_select_column_values_to_be_unique_within_record" => _texts.Select(Normal).Distinct(StringComparer.Ordinal).Count() == _texts.Length,
        "expect_multicolumn_sum_to_equal" => Sum() is { } sum && Math.Abs(sum - expectation.Min!.Value) <= Tolerance * Math.Max(1, Math.Abs(sum)),
        "expect_column_pair_values_to_be_equal" => string.Equals(Normal(_texts[0]), Normal(_texts[1]), StringComparison.Ordinal),
        "expect_column_pair_values_a_to_be_greater_than_b" => Order(_texts[0], _texts[1]) is { } order && (order > 0 || (order == 0 && expectation.OrEqual)),
        "expect_column_pair_values_to_be_in_set" => _pairs.Contains((Normal(_texts[0]), Normal(_texts[1]))),
        _ => throw new InvalidOperationException($"{expectation.Type} judges no rows."),
    };

    private ulong Hash()
    {
        var hash = 0UL;
        foreach (var text in _texts)
        {
            hash = Hash64.Combine(hash, text is null ? 0 : Hash64.Of(text));
        }

        return hash;
    }

    private double? Sum()
    {
        var sum = 0d;
        foreach (var text in _texts)
        {
            if (text is null || !ValueParser.TryNumber(text, out var number))
            {
                return null;
            }

            sum += number;
        }

        return sum;
    }

    // Numbers by value, exactly; else points in time; else nothing says which is greater.
    private static int? Order(string? left, string? right)
    {
        if (left is null || right is null)
        {
            return null;
        }

        if (decimal.TryParse(left, NumberStyles.Float, CultureInfo.InvariantCulture, out var a) && decimal.TryParse(right, NumberStyles.Float, CultureInfo.InvariantCulture, out var b))
        {
            return a.CompareTo(b);
        }

        if (ValueParser.TryNumber(left, out var x) && ValueParser.TryNumber(right, out var y))
        {
            return x.CompareTo(y);
        }

        return ValueParser.TryTime(left, out var first, out _) && ValueParser.TryTime(right, out var second, out _) ? first.CompareTo(second) : null;
    }

    // 1 and 1.0 are the same value.
    private static string? Normal(string? text)
        => text is not null && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && (text.Length == 1 || text[0] != '0' || text[1] == '.')
            ? number.ToString("0.#############################", CultureInfo.InvariantCulture)
            : text;
}
