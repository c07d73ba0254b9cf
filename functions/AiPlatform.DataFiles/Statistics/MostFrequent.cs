namespace AiPlatform.DataFiles.Statistics;

/// <summary>Keeps the most frequent of values whose counts are known: more often first, equal ones by number, then by text.</summary>
internal sealed class MostFrequent(int capacity)
{
    private readonly PriorityQueue<Entry, Entry> _queue = new(Comparer<Entry>.Create(static (left, right) => -Compare(left, right)));

    /// <summary>Adds a value.</summary>
    /// <param name="number">The number that the value is; NaN for none.</param>
    /// <param name="text">How it is written.</param>
    public void Add(long count, double number, string? text)
    {
        var entry = new Entry(count, number, text);
        if (_queue.Count < capacity)
        {
            _queue.Enqueue(entry, entry);
        }
        else if (Compare(entry, _queue.Peek()) < 0)
        {
            _queue.DequeueEnqueue(entry, entry);
        }
    }

    /// <summary>Whether a number would be kept: only then its text is worth making.</summary>
    public bool Takes(long count, double number) => _queue.Count < capacity || Compare(new Entry(count, number, null), _queue.Peek()) < 0;

    /// <summary>What was kept, most frequent first.</summary>
    public IReadOnlyList<(long Count, double Number, string? Text)> Build()
    {
        var entries = _queue.UnorderedItems.Select(static item => item.Element).ToList();
        entries.Sort(Compare);
        return [.. entries.Select(static entry => (entry.Count, entry.Number, entry.Text))];
    }

    private static int Compare(Entry left, Entry right)
    {
        var order = right.Count.CompareTo(left.Count);
        if (order == 0)
        {
            // NaN, which is no number here, comes last.
            order = (double.IsNaN(left.Number), double.IsNaN(right.Number)) switch
            {
                (false, false) => left.Number.CompareTo(right.Number),
                (true, true) => 0,
                (false, true) => -1,
                (true, false) => 1,
            };
        }

        return order != 0 ? order : string.CompareOrdinal(left.Text, right.Text);
    }

    private readonly record struct Entry(long Count, double Number, string? Text);
}
