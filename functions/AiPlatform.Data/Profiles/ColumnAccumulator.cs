using AiPlatform.Data.Language;
using AiPlatform.Data.Pii;
using AiPlatform.Data.Statistics;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Profiles;

/// <summary>Collects what there is to know about a column, in one pass and bounded memory.</summary>
internal sealed class ColumnAccumulator(TableColumn column, RowSample rows, int sampleRows, DateOrder? dateOrder = null)
{
    private const int TopShown = 20;
    private const int CategoriesKept = 1000;
    private const int MaxCategories = 100;
    private const int MaxCategoryLength = 64;
    private const int LanguageFirst = 2000;
    private const int LanguageEvery = 64;
    private const double TypeShare = 0.95;
    private const int PiiDigits = 8;

    private readonly bool _isUntyped = column.Declared == "text";
    private readonly DistinctCounter _distinct = new();
    private readonly TopValues _top = new(CategoriesKept);
    private readonly NumberAccumulator _numbers = new();
    private readonly NumberAccumulator _lengths = new();
    private readonly PiiAccumulator _pii = new();
    private readonly Dictionary<string, long> _languages = new(StringComparer.Ordinal);
    private readonly double[] _sample = new double[sampleRows];
    private readonly string?[] _texts = new string?[column.Kind == VectorKind.Text ? sampleRows : 0];
    private readonly DateOrderTally _orders = new();
    private long _missing;
    private long _integers;
    private long _fractions;
    private long _booleans;
    private long _dates;
    private long _times;
    private long _plain;
    private long _examined;
    private long _first = long.MaxValue;
    private long _last = long.MinValue;

    /// <summary>Rows.</summary>
    public long Count { get; private set; }

    /// <summary>Rows without a value.</summary>
    public long Missing => _missing;

    /// <summary>The numbers.</summary>
    public NumberAccumulator Numbers => _numbers;

    /// <summary>Different values.</summary>
    public DistinctCounter Distinct => _distinct;

    /// <summary>The most frequent values.</summary>
    public TopValues Top => _top;

    /// <summary>The column's values of the sampled rows: NaN and null where there is none.</summary>
    public (double[] Numbers, string?[] Texts) Sample => (_sample, _texts);

    /// <summary>Adds the values of a chunk.</summary>
    /// <param name="values">The values.</param>
    /// <param name="firstRow">The number of the first row in the table.</param>
    /// <param name="hashes">The rows' hashes, which each column adds itself to.</param>
    /// <param name="drawn">Rows that are in the sample, and their places.</param>
    public void Add(ColumnVector values, long firstRow, Span<ulong> hashes, List<(int Row, int Place)> drawn)
    {
        Count += values.Count;
        for (var row = 0; row < values.Count; row++)
        {
            var hash = values.IsNull(row) ? 0 : AddValue(values, row, firstRow + row);
            _missing += hash == 0 ? 1 : 0;
            hashes[row] = Hash64.Combine(hashes[row], hash);
        }

        foreach (var (row, place) in drawn)
        {
            Keep(values, row, place);
        }
    }

    /// <summary>The profile.</summary>
    public ColumnProfile Build()
    {
        var type = Type();
        var values = Count - _missing;
        var numeric = type is ColumnType.Integer or ColumnType.Number && _numbers.Moments.Count > 0
            ? _numbers.Build([.. _sample.Take(rows.Count).Where(double.IsFinite)], rows.IsAll)
            : null;
        var text = type is ColumnType.Text or ColumnType.Category && _lengths.Moments.Count > 0 ? Text() : null;
        var time = type is ColumnType.Date or ColumnType.Timestamp ? Time() : null;
        return new ColumnProfile(
            column.Name, column.Declared, type, Count, _missing, type == ColumnType.Opaque ? 0 : _distinct.Count, _distinct.IsExact, Mismatches(type, values),
            [.. _top.Top(TopShown).Select(static pair => new ValueCount(PiiScanner.MaskAll(pair.Value), pair.Count))], _top.Error, numeric, text, time, _pii.Build())
        {
            Dates = _orders.Count == 0 ? null : new DateColumn(column.Name, Order, dateOrder is null ? _orders.Confidence : 1, Contradictions),
        };
    }

    /// <summary>What the column is compared by later.</summary>
    public ColumnSketch Sketch()
    {
        var type = Type();
        var isNumeric = type is ColumnType.Integer or ColumnType.Number;
        return new ColumnSketch(
            column.Name, type, Count, _missing, isNumeric ? [.. _sample.Take(rows.Count).Where(double.IsFinite)] : null,
            type is ColumnType.Category or ColumnType.Boolean ? [.. _top.Top(CategoriesKept).Select(static pair => new ValueCount(pair.Value, pair.Count))] : null,
            _top.Error == 0);
    }

    // Gives the value's hash; 0 for a missing one.
    private ulong AddValue(ColumnVector values, int row, long number)
    {
        switch (values.Kind)
        {
            case VectorKind.Text:
                return AddText(values.Text(row), number);
            case VectorKind.Integer:
                _integers++;
                var integer = values.Integer(row);
                _numbers.Add(integer, number);
                return Known(Hash64.Of(integer), values, row, isLong: Math.Abs((double)integer) >= 1e10);
            case VectorKind.Number:
                var value = values.Number(row);
                if (!double.IsFinite(value))
                {
                    return 0;
                }

                _fractions++;
                _numbers.Add(value, number);
                return Known(Hash64.Of(value), values, row, isLong: false);
            case VectorKind.Boolean:
                _booleans++;
                return Known(Hash64.Of(values.Integer(row)), values, row, isLong: false);
            case VectorKind.Timestamp:
                AddTime(values.Integer(row), values.Integer(row) % TimeSpan.TicksPerDay == 0);
                return Known(Hash64.Of(values.Integer(row)), values, row, isLong: false);
            default:
                throw new InvalidOperationException($"Unknown kind {values.Kind}.");
        }
    }

    private ulong Known(ulong hash, ColumnVector values, int row, bool isLong)
    {
        _distinct.Add(hash);
        // Numbers that nearly never repeat have no most frequent ones: their texts are not worth making.
        var isCounted = _top.TryCount(hash) || (values.Kind == VectorKind.Number && !_distinct.IsExact);
        if (!isCounted || isLong)
        {
            Span<char> buffer = stackalloc char[40];
            var text = values.Format(row, buffer);
            if (!isCounted)
            {
                _top.Add(hash, text);
            }

            if (isLong)
            {
                _pii.Add(text);
            }
        }

        return hash;
    }

    private ulong AddText(ReadOnlySpan<char> text, long number)
    {
        text = text.Trim();
        if (column.IsOpaque)
        {
            return Hash64.Of(text);
        }

        if (text.IsEmpty || (_isUntyped && ValueParser.IsMissing(text)))
        {
            return 0;
        }

        var hash = Hash64.Of(text);
        _distinct.Add(hash);
        _top.Add(hash, text);
        _lengths.Add(text.Length, number);
        if (_isUntyped && ValueParser.TryInteger(text, out var integer))
        {
            _integers++;
            _numbers.Add(integer, number);
            if (text.Length > PiiDigits)
            {
                _pii.Add(text);
            }

            return hash;
        }

        if (_isUntyped && ValueParser.TryNumber(text, out var value))
        {
            _fractions++;
            _numbers.Add(value, number);
            return hash;
        }

        _pii.Add(text);
        if (_isUntyped && ValueParser.TryBoolean(text, out _))
        {
            _booleans++;
        }
        else if (_orders.Add(text))
        {
            // Day or month first: the whole column decides.
        }
        else if (ValueParser.TryTime(text, out var ticks, out var isDate))
        {
            AddTime(ticks, isDate);
        }
        else
        {
            _plain++;
            if (_plain <= LanguageFirst || _plain % LanguageEvery == 0)
            {
                _examined++;
                if (LanguageDetector.Detect(text) is { } language)
                {
                    _languages[language] = _languages.GetValueOrDefault(language) + 1;
                }
            }
        }

        return hash;
    }

    private void AddTime(long ticks, bool isDate)
    {
        _dates += isDate ? 1 : 0;
        _times += isDate ? 0 : 1;
        _first = Math.Min(_first, ticks);
        _last = Math.Max(_last, ticks);
    }

    private void Keep(ColumnVector values, int row, int place)
    {
        _sample[place] = double.NaN;
        if (values.Kind != VectorKind.Text)
        {
            _sample[place] = values.IsNull(row) ? double.NaN : values.Kind is VectorKind.Integer or VectorKind.Number ? values.Number(row) : values.Integer(row);
            return;
        }

        var text = values.Text(row).Trim();
        _texts[place] = text.IsEmpty || (_isUntyped && ValueParser.IsMissing(text)) ? null : text[..Math.Min(text.Length, MaxCategoryLength + 1)].ToString();
        if (_isUntyped && ValueParser.TryNumber(text, out var value))
        {
            _sample[place] = value;
        }
    }

    private DateOrder? Order => dateOrder ?? _orders.Order;

    private long Contradictions => Order switch
    {
        DateOrder.DayFirst => _orders.OnlyMonthFirst,
        DateOrder.MonthFirst => _orders.OnlyDayFirst,
        _ => _orders.Contradictions,
    };

    private long Dates => _dates + _orders.Count - Contradictions;

    // Where nothing tells the order, nobody knows which was first.
    private TimeProfile? Time()
    {
        if (_orders.Count == 0)
        {
            return new TimeProfile(ColumnVector.Timestamp(_first), ColumnVector.Timestamp(_last));
        }

        if (Order is not { } order)
        {
            return null;
        }

        var (first, last) = _orders.Range(order);
        return new TimeProfile(ColumnVector.Timestamp(Math.Min(first, _first)), ColumnVector.Timestamp(Math.Max(last, _last)));
    }

    private ColumnType Type()
    {
        var values = Count - _missing;
        if (column.IsOpaque || values == 0)
        {
            return column.IsOpaque ? ColumnType.Opaque : column.Kind switch
            {
                VectorKind.Integer => ColumnType.Integer,
                VectorKind.Number => ColumnType.Number,
                VectorKind.Boolean => ColumnType.Boolean,
                VectorKind.Timestamp => ColumnType.Timestamp,
                VectorKind.Text => ColumnType.Unknown,
                _ => throw new InvalidOperationException($"Unknown kind {column.Kind}."),
            };
        }

        bool Are(long count) => count >= TypeShare * values;
        return Are(_integers) ? ColumnType.Integer
            : Are(_integers + _fractions) ? ColumnType.Number
            : Are(_booleans) ? ColumnType.Boolean
            : Are(Dates) ? ColumnType.Date
            : Are(Dates + _times) ? ColumnType.Timestamp
            : _distinct.Count <= Math.Clamp(values / 20, 2, MaxCategories) && _lengths.Moments.Max <= MaxCategoryLength ? ColumnType.Category
            : ColumnType.Text;
    }

    private long Mismatches(ColumnType type, long values) => type switch
    {
        ColumnType.Integer => values - _integers,
        ColumnType.Number => values - _integers - _fractions,
        ColumnType.Boolean => values - _booleans,
        ColumnType.Date => values - Dates,
        ColumnType.Timestamp => values - Dates - _times,
        _ => 0,
    };

    private TextProfile Text() => new(
        (int)_lengths.Moments.Min, (int)_lengths.Moments.Max, _lengths.Moments.Mean, _lengths.Quantile(0.5), _lengths.Histogram([], isAll: false),
        [.. _languages.OrderByDescending(static pair => pair.Value).ThenBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => new ValueCount(pair.Key, pair.Value))],
        _examined);
}
