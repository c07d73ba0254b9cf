using AiPlatform.Kernel.Errors;
using NpgsqlTypes;

namespace AiPlatform.Tracking.Metrics;

/// <summary>The sequences that a source has sent, as ordered ranges that do not touch.</summary>
internal sealed class SequenceSet
{
    /// <summary>More holes than this are no lost batches but a source that cannot count.</summary>
    public const int MaxRanges = 4_096;

    private readonly List<(long First, long Last)> _ranges = [];

    public SequenceSet()
    {
    }

    /// <param name="stored">As PostgreSQL keeps them: lower bound included, upper bound not.</param>
    public SequenceSet(IEnumerable<NpgsqlRange<long>> stored)
        => _ranges.AddRange(stored.Select(range => (range.LowerBoundIsInclusive ? range.LowerBound : range.LowerBound + 1, range.UpperBoundIsInclusive ? range.UpperBound : range.UpperBound - 1)));

    /// <summary>How many sequences are there.</summary>
    public long Count => _ranges.Sum(range => range.Last - range.First + 1);

    /// <summary>The first sequence that is missing.</summary>
    public long Next => _ranges is [(0, var last), ..] ? last + 1 : 0;

    /// <summary>Whether nothing is missing before the largest.</summary>
    public bool IsComplete => _ranges.Count <= 1 && (_ranges.Count == 0 || _ranges[0].First == 0);

    /// <summary>For PostgreSQL.</summary>
    public NpgsqlRange<long>[] ToRanges() => [.. _ranges.Select(range => new NpgsqlRange<long>(range.First, true, range.Last + 1, false))];

    /// <summary>The first holes as [first, last].</summary>
    public IReadOnlyList<long[]> Gaps(int limit)
    {
        var gaps = new List<long[]>();
        long expected = 0;
        foreach (var (first, last) in _ranges.TakeWhile(_ => gaps.Count < limit))
        {
            if (first > expected)
            {
                gaps.Add([expected, first - 1]);
            }

            expected = last + 1;
        }

        return gaps;
    }

    /// <summary>Adds <paramref name="count"/> sequences from <paramref name="first"/> on; answers those that were new, as [first, last].</summary>
    /// <exception cref="ApiException">400: the set would fall into more than <see cref="MaxRanges"/> pieces.</exception>
    public IReadOnlyList<(long First, long Last)> Add(long first, int count)
    {
        var last = first + count - 1;
        var begin = _ranges.FindIndex(range => range.Last >= first - 1);
        if (begin < 0)
        {
            begin = _ranges.Count;
        }

        var added = new List<(long, long)>();
        var (low, high, next, end) = (first, last, first, begin);
        for (; end < _ranges.Count && _ranges[end].First <= last + 1; end++)
        {
            var range = _ranges[end];
            if (range.First > next)
            {
                added.Add((next, range.First - 1));
            }

            next = Math.Max(next, range.Last + 1);
            (low, high) = (Math.Min(low, range.First), Math.Max(high, range.Last));
        }

        if (next <= last)
        {
            added.Add((next, last));
        }

        if (end == begin && _ranges.Count >= MaxRanges)
        {
            throw ApiException.Invalid("firstSequence", "count", 0, MaxRanges);
        }

        _ranges.RemoveRange(begin, end - begin);
        _ranges.Insert(begin, (low, high));
        return added;
    }
}
