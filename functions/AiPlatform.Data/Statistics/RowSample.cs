namespace AiPlatform.Data.Statistics;

/// <summary>
/// A uniform sample of rows (reservoir sampling). Every column keeps its values of the same rows, so that columns can be compared.
/// The same rows are drawn each time.
/// </summary>
/// <param name="capacity">Rows in the sample at most.</param>
internal sealed class RowSample(int capacity)
{
    private ulong _state = 0x853C49E6748FEA9B;
    private long _seen;

    /// <summary>Rows in the sample.</summary>
    public int Count => (int)Math.Min(_seen, capacity);

    /// <summary>Whether the sample is all rows.</summary>
    public bool IsAll => _seen <= capacity;

    /// <summary>Draws among the next rows.</summary>
    /// <param name="rows">How many rows come.</param>
    /// <param name="drawn">Takes (row among these, place in the sample); later entries replace earlier ones.</param>
    public void Draw(int rows, List<(int Row, int Place)> drawn)
    {
        drawn.Clear();
        for (var row = 0; row < rows; row++)
        {
            var place = _seen < capacity ? _seen : (long)(Next() % (ulong)(_seen + 1));
            _seen++;
            if (place < capacity)
            {
                drawn.Add((row, (int)place));
            }
        }
    }

    // SplitMix64.
    private ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
