using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Expectations;

/// <summary>Judges the values of a column one by one, while they are read.</summary>
internal sealed class ValueCheck
{
    private const int MaxExamples = 10;
    private const int MaxExample = 100;

    private readonly Expectation _expectation;
    private readonly DateOrder? _dateOrder;
    private readonly bool _judgesMissing;
    private readonly Regex? _regex;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _set;
    private readonly HashSet<double> _numbers;
    private readonly List<string> _examples = [];
    private double? _last;
    private long _examined;
    private long _unexpected;

    public ValueCheck(Expectation expectation, TableColumn column, DateOrder? dateOrder)
    {
        _expectation = expectation;
        _dateOrder = dateOrder;
        _judgesMissing = expectation.Type is "expect_column_values_to_not_be_null" or "expect_column_values_to_be_null";
        _regex = expectation.Regex is { } regex ? QualityPlanReader.CompileRegex(regex) : null;
        _set = expectation.Values.ToHashSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        _numbers = [.. expectation.Values.Select(static value => ValueParser.TryNumber(value, out var number) ? number : double.NaN).Where(double.IsFinite)];
    }

    /// <summary>Judges the values of a chunk.</summary>
    public void Add(ColumnVector values)
    {
        Span<char> buffer = stackalloc char[40];
        for (var row = 0; row < values.Count; row++)
        {
            var text = values.Format(row, buffer).Trim();
            var isMissing = values.IsMissing(row);
            if (isMissing && !_judgesMissing)
            {
                continue;
            }

            _examined++;
            if (!Admits(values, row, text, isMissing))
            {
                _unexpected++;
                if (_examples.Count < MaxExamples && !isMissing)
                {
                    _examples.Add(text[..Math.Min(text.Length, MaxExample)].ToString());
                }
            }
        }
    }

    /// <summary>What came out.</summary>
    public ExpectationResult Build(TableProfile table)
    {
        if (_expectation.Type == "expect_column_values_to_be_unique")
        {
            // The engine has counted the different values; each further one repeats one of them.
            _unexpected = _examined - table.Columns.First(column => column.Name == _expectation.Column).Distinct;
        }

        var success = _examined == 0 || (_examined - _unexpected) >= _expectation.Mostly * _examined;
        return new ExpectationResult(
            _expectation.Type, _expectation.Column, table.Name, _expectation.Severity, _expectation.Mostly, success, null, _examined, _unexpected, _examples);
    }

    private bool Admits(ColumnVector values, int row, ReadOnlySpan<char> text, bool isMissing) => _expectation.Type switch
    {
        "expect_column_values_to_not_be_null" => !isMissing,
        "expect_column_values_to_be_null" => isMissing,
        "expect_column_values_to_be_between" when _expectation.Times is not null => Time(values, row, text) is { } ticks && _expectation.AdmitsTime(ticks),
        "expect_column_values_to_be_between" => Number(values, row, text) is { } number && _expectation.Admits(number),
        "expect_column_values_to_be_in_set" or "expect_column_distinct_values_to_be_in_set" => IsInSet(values, row, text),
        "expect_column_values_to_not_be_in_set" => !IsInSet(values, row, text),
        "expect_column_values_to_match_regex" => _regex!.IsMatch(text),
        "expect_column_values_to_not_match_regex" => !_regex!.IsMatch(text),
        "expect_column_values_to_be_unique" => true,
        "expect_column_value_lengths_to_be_between" or "expect_column_value_lengths_to_equal" => _expectation.Admits(text.Length),
        "expect_column_values_to_be_increasing" => Follows(values, row, text, 1),
        "expect_column_values_to_be_decreasing" => Follows(values, row, text, -1),
        "expect_column_values_to_be_dateutil_parseable" => values.Kind == VectorKind.Timestamp || DateOrderTally.TryRead(text, out _, out _) || ValueParser.TryTime(text, out _, out _),
        "expect_column_values_to_be_json_parseable" => IsJson(text),
        _ => throw new InvalidOperationException($"{_expectation.Type} judges no values."),
    };

    // In order after the last value that was; points in time by their time.
    private bool Follows(ColumnVector values, int row, ReadOnlySpan<char> text, int direction)
    {
        if ((Number(values, row, text) ?? Time(values, row, text)) is not { } value)
        {
            return false;
        }

        var order = _last is { } last ? direction * value.CompareTo(last) : 1;
        _last = value;
        return order > 0 || (order == 0 && _expectation.OrEqual);
    }

    private long? Time(ColumnVector values, int row, ReadOnlySpan<char> text)
    {
        if (values.Kind != VectorKind.Text)
        {
            return values.Kind == VectorKind.Timestamp ? values.Integer(row) : null;
        }

        if (_dateOrder is { } order && DateOrderTally.TryRead(text, out var dayFirst, out var monthFirst))
        {
            return (order == DateOrder.DayFirst ? dayFirst : monthFirst)?.Ticks;
        }

        return ValueParser.TryTime(text, out var ticks, out _) ? ticks : null;
    }

    private static bool IsJson(ReadOnlySpan<char> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text.ToString());
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // 1 and 1.0 are the same value.
    private bool IsInSet(ColumnVector values, int row, ReadOnlySpan<char> text)
        => _set.Contains(text) || (_numbers.Count > 0 && Number(values, row, text) is { } number && _numbers.Contains(number));

    private static double? Number(ColumnVector values, int row, ReadOnlySpan<char> text) => values.Kind switch
    {
        VectorKind.Integer or VectorKind.Number => values.Number(row),
        VectorKind.Text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null,
        VectorKind.Boolean => values.Integer(row),
        VectorKind.Timestamp => null,
        _ => throw new InvalidOperationException($"Unknown kind {values.Kind}."),
    };
}
