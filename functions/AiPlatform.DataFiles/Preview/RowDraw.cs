namespace AiPlatform.DataFiles.Preview;

/// <summary>Draws rows by number.</summary>
internal static class RowDraw
{
    /// <summary>Different rows of a table, each with the same chance, in order; all when there are no more.</summary>
    /// <param name="rows">Rows of the table.</param>
    /// <param name="count">Rows that are wanted.</param>
    public static IReadOnlyList<long> Rows(long rows, int count, Random random)
    {
        var drawn = new SortedSet<long>();
        // Floyd's way: each step adds exactly one.
        for (var last = Math.Max(0, rows - count); last < rows; last++)
        {
            var row = random.NextInt64(last + 1);
            if (!drawn.Add(row))
            {
                drawn.Add(last);
            }
        }

        return [.. drawn];
    }
}
