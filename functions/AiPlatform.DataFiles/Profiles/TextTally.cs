using System.Runtime.InteropServices;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Language;
using AiPlatform.DataFiles.Statistics;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>What there is to know about the different texts of a column, each of which comes once with its count.</summary>
internal sealed class TextTally(bool isUntyped, DateOrder? dateOrder, int maxNumbers)
{
    /// <summary>Characters of a text in the sample.</summary>
    public const int SampleText = 1000;

    private const int MaxCategoryLength = 64;
    private const int MaxLanguages = 2000;
    private const int PiiDigits = 8;
    private const int MaxTopText = 200;
    private const double TypeShare = 0.95;

    private readonly Dictionary<int, long> _lengths = [];
    private readonly Dictionary<string, long> _languages = new(StringComparer.Ordinal);
    private readonly List<(double Value, long Count)> _numbers = [];
    private readonly PiiAccumulator _pii = new();
    private readonly DateOrderTally _orders = new();
    private long _integers;
    private long _fractions;
    private long _booleans;
    private long _dates;
    private long _times;
    private long _examined;
    private long _first = long.MaxValue;
    private long _last = long.MinValue;
    private bool _isOver;

    /// <summary>Values.</summary>
    public long Count { get; private set; }

    /// <summary>Different ones.</summary>
    public long Distinct { get; private set; }

    /// <summary>Values that are numbers.</summary>
    public long FiniteNumbers => _integers + _fractions;

    /// <summary>The most frequent ones.</summary>
    public MostFrequent Top { get; } = new(ColumnFacts.MaxCategories);

    /// <summary>Personal data.</summary>
    public IReadOnlyList<PiiFinding> Pii => _pii.Build();

    /// <summary>Adds a text and how often it is there.</summary>
    public void Add(string text, long count)
    {
        Count += count;
        Distinct++;
        var length = text.Length;
        CollectionsMarshal.GetValueRefOrAddDefault(_lengths, length, out _) += count;
        var number = isUntyped ? Number(text, count) : double.NaN;
        Top.Add(count, number, length > MaxTopText ? text[..MaxTopText] : text);
        if (!double.IsNaN(number))
        {
            return;
        }

        _pii.Add(text, count);
        if (isUntyped && ValueParser.TryBoolean(text, out _))
        {
            _booleans += count;
        }
        else if (_orders.Add(text, count))
        {
            // Day or month first: the whole column decides.
        }
        else if (ValueParser.TryTime(text, out var ticks, out var isDate))
        {
            _dates += isDate ? count : 0;
            _times += isDate ? 0 : count;
            (_first, _last) = (Math.Min(_first, ticks), Math.Max(_last, ticks));
        }
    }

    /// <summary>Takes a text of a drawn row.</summary>
    public void Sample(string text, int place, ColumnSample sample)
    {
        sample.Texts[place] = text[..Math.Min(text.Length, MaxCategoryLength + 1)];
        if (isUntyped && ValueParser.TryNumber(text, out var number))
        {
            sample.Numbers[place] = number;
        }
        else if (_examined < MaxLanguages && !(isUntyped && ValueParser.TryBoolean(text, out _)) && !DateOrderTally.TryRead(text, out _, out _) && !ValueParser.TryTime(text, out _, out _))
        {
            _examined++;
            if (LanguageDetector.Detect(text) is { } language)
            {
                _languages[language] = _languages.GetValueOrDefault(language) + 1;
            }
        }
    }

    /// <summary>What the texts mean.</summary>
    public ColumnType Type()
    {
        bool Are(long count) => count >= TypeShare * Count;
        return Count == 0 ? ColumnType.Unknown
            : Are(_integers) ? ColumnType.Integer
            : Are(_integers + _fractions) ? ColumnType.Number
            : Are(_booleans) ? ColumnType.Boolean
            : Are(AllDates) ? ColumnType.Date
            : Are(AllDates + _times) ? ColumnType.Timestamp
            : Distinct <= Math.Clamp(Count / 20, 2, ColumnFacts.MaxCategories) && _lengths.Keys.Max() <= MaxCategoryLength ? ColumnType.Category
            : ColumnType.Text;
    }

    /// <summary>Values that do not mean what the others do.</summary>
    public long Mismatches(ColumnType type) => type switch
    {
        ColumnType.Integer => Count - _integers,
        ColumnType.Number => Count - _integers - _fractions,
        ColumnType.Boolean => Count - _booleans,
        ColumnType.Date => Count - AllDates,
        ColumnType.Timestamp => Count - AllDates - _times,
        _ => 0,
    };

    /// <summary>The numbers; null when they are too many to be held.</summary>
    public SortedNumbers? Numbers()
    {
        if (_isOver)
        {
            return null;
        }

        _numbers.Sort(static (left, right) => left.Value.CompareTo(right.Value));
        return SortedNumbers.Of(_numbers);
    }

    /// <summary>The profile of texts; null for other types.</summary>
    public TextProfile? Text(ColumnType type)
    {
        if (type is not (ColumnType.Text or ColumnType.Category))
        {
            return null;
        }

        var lengths = SortedNumbers.Of(_lengths.OrderBy(static pair => pair.Key).Select(static pair => ((double)pair.Key, pair.Value)));
        return new TextProfile(
            (int)lengths.Min, (int)lengths.Max, lengths.Mean, lengths.Quantile(0.5), NumberSummary.Histogram(lengths),
            [.. _languages.OrderByDescending(static pair => pair.Value).ThenBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => new ValueCount(pair.Key, pair.Value))],
            _examined);
    }

    /// <summary>The span of times; null for other types, and where nothing tells the order of day and month.</summary>
    public TimeProfile? Time(ColumnType type)
    {
        if (type is not (ColumnType.Date or ColumnType.Timestamp))
        {
            return null;
        }

        if (_orders.Count == 0)
        {
            return new TimeProfile(Shown(_first), Shown(_last));
        }

        if (Order is not { } order)
        {
            return null;
        }

        var (first, last) = _orders.Range(order);
        return new TimeProfile(Shown(Math.Min(first, _first)), Shown(Math.Max(last, _last)));
    }

    /// <summary>How dates such as 01/02/2024 were read; null where there are none.</summary>
    public DateColumn? Dates(string name) => _orders.Count == 0 ? null : new DateColumn(name, Order, dateOrder is null ? _orders.Confidence : 1, Contradictions);

    private DateOrder? Order => dateOrder ?? _orders.Order;

    private long Contradictions => Order switch
    {
        DateOrder.DayFirst => _orders.OnlyMonthFirst,
        DateOrder.MonthFirst => _orders.OnlyDayFirst,
        _ => _orders.Contradictions,
    };

    private long AllDates => _dates + _orders.Count - Contradictions;

    private static string Shown(long ticks) => ShownValue.Timestamp((Int128)(ticks - DateTime.UnixEpoch.Ticks) * 100);

    // The number that a text is; NaN for none.
    private double Number(string text, long count)
    {
        if (ValueParser.TryInteger(text, out var integer))
        {
            _integers += count;
            if (text.Length > PiiDigits)
            {
                _pii.Add(text, count);
            }

            Keep(integer, count);
            return integer;
        }

        if (ValueParser.TryNumber(text, out var value))
        {
            _fractions += count;
            Keep(value, count);
            return value;
        }

        return double.NaN;
    }

    private void Keep(double value, long count)
    {
        if (_numbers.Count < maxNumbers)
        {
            _numbers.Add((value, count));
        }
        else
        {
            _isOver = true;
        }
    }
}
