using System.Globalization;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Expectations;

/// <summary>Judges quantiles of a column: exactly up to 200,000 numbers, of as many random ones beyond.</summary>
internal sealed class QuantileCheck(Expectation expectation)
{
    private const int MaxValues = 200_000;

    // The same file must be judged in the same way each time.
    private readonly Random _random = new(17);
    private readonly List<double> _values = [];
    private long _seen;

    /// <summary>Takes the numbers of a chunk.</summary>
    public void Add(ColumnVector values)
    {
        for (var row = 0; row < values.Count; row++)
        {
            if (!values.IsMissing(row) && Number(values, row) is { } number)
            {
                _seen++;
                if (_values.Count < MaxValues)
                {
                    _values.Add(number);
                }
                else if (_random.NextInt64(_seen) is var place and < MaxValues)
                {
                    _values[(int)place] = number;
                }
            }
        }
    }

    /// <summary>What came out.</summary>
    public ExpectationResult Build(string table)
    {
        if (_values.Count == 0)
        {
            return new(expectation.Type, expectation.Column, table, expectation.Severity, expectation.Mostly, false, null, 0, 0, [], "the column has no numbers");
        }

        _values.Sort();
        var observed = expectation.Quantiles.Select(range => (Range: range, Value: Quantile(range.Share))).ToList();
        var outside = observed.Count(static pair => pair.Value < pair.Range.Min || pair.Value > pair.Range.Max);
        return new(
            expectation.Type, expectation.Column, table, expectation.Severity, expectation.Mostly, outside == 0,
            string.Join(", ", observed.Select(static pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Range.Share}: {pair.Value}"))), _seen, 0, []);
    }

    // Between two values in proportion, as numpy and pandas do by default.
    private double Quantile(double share)
    {
        var at = share * (_values.Count - 1);
        var low = (int)Math.Floor(at);
        return low + 1 >= _values.Count ? _values[low] : _values[low] + ((at - low) * (_values[low + 1] - _values[low]));
    }

    private static double? Number(ColumnVector values, int row) => values.Kind switch
    {
        VectorKind.Integer or VectorKind.Number when double.IsFinite(values.Number(row)) => values.Number(row),
        VectorKind.Text => ValueParser.TryNumber(values.Text(row).Trim(), out var number) ? number : null,
        _ => null,
    };
}
