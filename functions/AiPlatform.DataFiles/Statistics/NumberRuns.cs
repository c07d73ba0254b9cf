using System.Globalization;

namespace AiPlatform.DataFiles.Statistics;

/// <summary>Numbers of a column, sorted, equal ones together: integers keep all of their digits.</summary>
internal sealed class NumberRuns
{
    private readonly double[] _values;
    private readonly long[]? _integers;
    private readonly int[] _ends;

    private NumberRuns(double[] values, long[]? integers, int[] ends)
    {
        (_values, _integers, _ends) = (values, integers, ends);
        var (first, last) = (0, values.Length);
        while (first < last && !double.IsFinite(values[first]))
        {
            first++;
        }

        while (last > first && !double.IsFinite(values[last - 1]))
        {
            last--;
        }

        var finite = new long[last - first];
        var before = first == 0 ? 0 : ends[first - 1];
        for (var i = first; i < last; i++)
        {
            finite[i - first] = ends[i] - before;
        }

        Finite = SortedNumbers.OfRuns(values[first..last], finite);
        Infinite = Count - Finite.Count;
    }

    /// <summary>Numbers in all.</summary>
    public long Count => _ends.Length == 0 ? 0 : _ends[^1];

    /// <summary>Different ones.</summary>
    public long Distinct => _ends.Length;

    /// <summary>Infinite ones.</summary>
    public long Infinite { get; }

    /// <summary>The distribution of the finite ones.</summary>
    public SortedNumbers Finite { get; }

    /// <summary>Sorts integers.</summary>
    public static NumberRuns Of(Span<long> values)
    {
        values.Sort();
        var (integers, ends) = Runs(values);
        return new NumberRuns(Array.ConvertAll(integers, static value => (double)value), integers, ends);
    }

    /// <summary>Sorts numbers; 0 and -0 are equal.</summary>
    public static NumberRuns Of(Span<double> values)
    {
        values.Sort();
        var (numbers, ends) = Runs(values);
        return new NumberRuns(numbers, null, ends);
    }

    /// <summary>Tells each number, how it is written, and how often it is there.</summary>
    public void AddTo(MostFrequent top)
    {
        var before = 0;
        for (var i = 0; i < _ends.Length; i++)
        {
            var count = _ends[i] - before;
            before = _ends[i];
            if (top.Takes(count, _values[i]))
            {
                top.Add(count, _values[i], _integers is { } integers ? integers[i].ToString(CultureInfo.InvariantCulture) : _values[i].ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    // Each different value, and where its run ends.
    private static (T[] Values, int[] Ends) Runs<T>(ReadOnlySpan<T> sorted)
        where T : IEquatable<T>, System.Numerics.IEqualityOperators<T, T, bool>
    {
        var distinct = sorted.IsEmpty ? 0 : 1;
        for (var i = 1; i < sorted.Length; i++)
        {
            distinct += sorted[i] != sorted[i - 1] ? 1 : 0;
        }

        var (values, ends, at) = (new T[distinct], new int[distinct], 0);
        for (var i = 0; i < sorted.Length; i++)
        {
            if (i + 1 == sorted.Length || sorted[i + 1] != sorted[i])
            {
                (values[at], ends[at]) = (sorted[i], i + 1);
                at++;
            }
        }

        return (values, ends);
    }
}
