namespace AiPlatform.Data.Statistics;

/// <summary>
/// The most frequent values in bounded memory: exact while there are few different ones, then by Misra and Gries, whose counts are
/// too small by at most <see cref="Error"/>.
/// </summary>
/// <param name="capacity">Different values that are counted at most.</param>
internal sealed class TopValues(int capacity = 1000)
{
    private const int MaxText = 200;
    private readonly Dictionary<ulong, Entry> _entries = [];

    /// <summary>How much each count may be too small; 0 while every count is exact.</summary>
    public long Error { get; private set; }

    /// <summary>Counts a value that is known; false when it is not.</summary>
    public bool TryCount(ulong hash)
    {
        if (!_entries.TryGetValue(hash, out var entry))
        {
            return false;
        }

        entry.Count++;
        return true;
    }

    /// <summary>Adds a value.</summary>
    public void Add(ulong hash, ReadOnlySpan<char> text)
    {
        if (TryCount(hash))
        {
            return;
        }

        if (_entries.Count < capacity)
        {
            _entries.Add(hash, new Entry(text[..Math.Min(text.Length, MaxText)].ToString()));
        }
        else
        {
            Error++;
            foreach (var (key, candidate) in _entries)
            {
                if (--candidate.Count == 0)
                {
                    _entries.Remove(key);
                }
            }
        }
    }

    /// <summary>The most frequent values, most frequent first, equal ones by their text.</summary>
    public IReadOnlyList<(string Value, long Count)> Top(int count) =>
    [
        .. _entries.Values.OrderByDescending(static entry => entry.Count).ThenBy(static entry => entry.Text, StringComparer.Ordinal)
            .Take(count).Select(static entry => (entry.Text, entry.Count)),
    ];

    private sealed class Entry(string text)
    {
        public string Text { get; } = text;

        public long Count { get; set; } = 1;
    }
}
