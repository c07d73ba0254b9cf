using System.Globalization;
using System.Runtime.InteropServices;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Statistics;
using AiPlatform.DataFiles.Tables;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>What queries over a batch tell about one of its columns, and what follows from it.</summary>
internal sealed class BatchColumn
{
    private readonly List<long> _integers = [];
    private readonly List<double> _floats = [];
    private readonly Dictionary<double, long> _numbers = [];
    private readonly MostFrequent _top = new(ColumnFacts.MaxCategories);
    private readonly TextTally? _texts;
    private readonly ColumnSample _sample;
    private readonly List<RowValue> _smallest = [];
    private readonly List<RowValue> _largest = [];
    private NumberRuns? _runs;
    private NumericProfile? _numeric;
    private (long Raw, string Shown)? _first;
    private (long Raw, string Shown)? _last;
    private long _values;
    private long _distinct;

    public BatchColumn(EngineColumn column, int drawn, DateOrder? dateOrder)
    {
        Column = column;
        _texts = IsText ? new TextTally(column.IsUntyped, dateOrder, int.MaxValue) : null;
        _sample = IsSampled ? new ColumnSample(new double[drawn], IsText ? new string?[drawn] : []) : ColumnSample.Empty;
        Array.Fill(_sample.Numbers, double.NaN);
    }

    /// <summary>The column.</summary>
    public EngineColumn Column { get; }

    /// <summary>Whether its values are looked at as texts.</summary>
    public bool IsText => Column.Family == ValueFamily.Text && !Column.Column.IsOpaque;

    /// <summary>Whether its values are taken row by row: numbers that .NET holds without loss.</summary>
    public bool IsPlainNumber => Column.Family is ValueFamily.Integer or ValueFamily.Float;

    /// <summary>Whether values of the drawn rows are wanted.</summary>
    public bool IsSampled => IsText || Column.IsNumeric;

    /// <summary>Whether its values are only counted.</summary>
    public bool IsCounted => !IsText && ColumnFacts.TypeOf(Column) == ColumnType.Opaque;

    /// <summary>The value of a cell as <see cref="Row"/> takes it, in SQL.</summary>
    public string RowSql(string cell)
        => IsText ? $"left({Column.ValueOf(cell)}, {TextTally.SampleText})" : $"{Column.ValueOf(cell)}{(Column.Family == ValueFamily.Integer ? "::BIGINT" : "::DOUBLE")}";

    /// <summary>The numbers beyond which outliers are named; null where there are none.</summary>
    public (double? Low, double? High) Bounds => _numeric is not { } numeric
        ? (null, null)
        : (numeric.Outliers.Contains(numeric.Min) ? numeric.Outliers.Low : null, numeric.Outliers.Contains(numeric.Max) ? numeric.Outliers.High : null);

    /// <summary>Takes the next value in the order of the rows.</summary>
    /// <param name="place">The row's place in the sample; -1 when it is not drawn.</param>
    public void Row(DuckDBDataReader row, int ordinal, int place)
    {
        if ((place < 0 && !IsPlainNumber) || row.IsDBNull(ordinal))
        {
            return;
        }

        if (IsText)
        {
            _texts!.Sample(row.GetString(ordinal), place, _sample);
            return;
        }

        double number;
        if (Column.Family == ValueFamily.Integer)
        {
            var integer = row.GetInt64(ordinal);
            _integers.Add(integer);
            number = integer;
        }
        else
        {
            number = row.GetDouble(ordinal);
            if (IsPlainNumber)
            {
                _floats.Add(number);
            }
        }

        if (place >= 0)
        {
            _sample.Numbers[place] = number;
        }
    }

    /// <summary>Takes a different text and how often it is there.</summary>
    public void Text(string text, long count) => _texts!.Add(text, count);

    /// <summary>Takes how many values there are, and how many different ones.</summary>
    public void Counted(long values, long distinct) => (_values, _distinct) = (values, distinct);

    /// <summary>Takes a different value and how often it is there; more frequent ones come first, equally frequent ones in their own order.</summary>
    /// <param name="shown">Where the row has the value as it is shown; behind it, for numbers, the value as a number.</param>
    public void Group(DuckDBDataReader row, long count, int shown)
    {
        var value = ShownValue.Read(row, shown, Column);
        _values += count;
        _top.Add(count, _distinct++, value is bool flag ? flag ? "true" : "false" : Convert.ToString(value, CultureInfo.InvariantCulture));
        if (Column.IsNumeric)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_numbers, row.GetDouble(shown + 1), out _) += count;
        }
        else if (Column.Family is ValueFamily.Date or ValueFamily.Timestamp && value is string text)
        {
            var raw = row.GetInt64(shown);
            _first = _first is { } first && first.Raw <= raw ? first : (raw, text);
            _last = _last is { } last && last.Raw >= raw ? last : (raw, text);
        }
    }

    /// <summary>All values have come: makes what can be known without their rows.</summary>
    public void Summarize()
    {
        if (IsPlainNumber)
        {
            _runs = Column.Family == ValueFamily.Integer ? NumberRuns.Of(CollectionsMarshal.AsSpan(_integers)) : NumberRuns.Of(CollectionsMarshal.AsSpan(_floats));
            _runs.AddTo(_top);
            _numeric = _runs.Finite.Count > 0 ? NumberSummary.Of(_runs.Finite, _runs.Infinite) : null;
        }
        else if (_texts is { FiniteNumbers: > 0 } && _texts.Type() is ColumnType.Integer or ColumnType.Number)
        {
            _numeric = NumberSummary.Of(_texts.Numbers()!, 0);
        }
        else if (_numbers.Count > 0)
        {
            var finite = SortedNumbers.Of(_numbers.Where(static pair => double.IsFinite(pair.Key)).OrderBy(static pair => pair.Key).Select(static pair => (pair.Key, pair.Value)));
            _numeric = finite.Count > 0 ? NumberSummary.Of(finite, _numbers.Where(static pair => double.IsInfinity(pair.Key)).Sum(static pair => pair.Value)) : null;
        }
    }

    /// <summary>Takes a number beyond <see cref="Bounds"/>.</summary>
    public void Outlier(RowValue value)
    {
        if (value.Value < Bounds.Low)
        {
            Keep(_smallest, value, 1);
        }

        if (value.Value > Bounds.High)
        {
            Keep(_largest, value, -1);
        }
    }

    /// <summary>What was found out.</summary>
    /// <param name="rows">Rows of the table.</param>
    public ColumnFacts Build(long rows)
    {
        var type = _texts?.Type() ?? ColumnFacts.TypeOf(Column);
        var numeric = _numeric is { } known ? known with { Outliers = known.Outliers with { Smallest = _smallest, Largest = _largest } } : null;
        if (_texts is { } texts)
        {
            return ColumnFacts.Of(
                Column, type, rows, rows - texts.Count, texts.Distinct, texts.Mismatches(type), texts.Top, numeric, texts.Text(type), texts.Time(type), texts.Pii, _sample,
                texts.Dates(Column.Column.Name));
        }

        var (values, distinct) = _runs is { } runs ? (runs.Count, runs.Distinct) : (_values, _distinct);
        var time = _first is { } first ? new TimeProfile(first.Shown, _last!.Value.Shown) : null;
        return ColumnFacts.Of(Column, type, rows, rows - values, distinct, 0, _top, numeric, null, time, [], _sample);
    }

    // The most extreme ones, the first rows of equal ones.
    private static void Keep(List<RowValue> kept, RowValue value, int direction)
    {
        var at = kept.FindIndex(other => direction * value.Value.CompareTo(other.Value) is var order && (order < 0 || (order == 0 && value.Row < other.Row)));
        kept.Insert(at < 0 ? kept.Count : at, value);
        if (kept.Count > EngineNumbers.Extremes)
        {
            kept.RemoveAt(kept.Count - 1);
        }
    }
}
