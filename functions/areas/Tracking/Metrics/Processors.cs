namespace AiPlatform.Tracking.Metrics;

/// <summary>Shares work on points out to all processors where there is enough of it.</summary>
internal static class Processors
{
    // Below this the work is done before other threads are awake.
    private const int MinPoints = 50_000;

    /// <summary>Does something for each number below <paramref name="count"/>.</summary>
    /// <param name="points">How many points they have together.</param>
    public static void For(int count, long points, Action<int> work)
    {
        if (points >= MinPoints)
        {
            Parallel.For(0, count, work);
            return;
        }

        for (var i = 0; i < count; i++)
        {
            work(i);
        }
    }

    /// <summary>The results for all items in their order.</summary>
    /// <param name="points">How many points they have together.</param>
    public static TResult[] Select<T, TResult>(IReadOnlyList<T> items, long points, Func<T, TResult> result)
    {
        var results = new TResult[items.Count];
        For(results.Length, points, i => results[i] = result(items[i]));
        return results;
    }
}
