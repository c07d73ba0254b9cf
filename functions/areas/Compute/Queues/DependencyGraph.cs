namespace AiPlatform.Compute.Queues;

/// <summary>Finds circles among the tasks of one submission. Tasks that exist already cannot be part of one: they name only older tasks.</summary>
internal static class DependencyGraph
{
    /// <summary>The tasks of one circle in order, the first one again at the end; null when there is none.</summary>
    /// <param name="edges">For each task the tasks of the same submission that it depends on, by position.</param>
    public static IReadOnlyList<int>? FindCycle(IReadOnlyList<IReadOnlyList<int>> edges)
    {
        // Kahn: take away what depends on nothing until only circles, and what hangs on them, are left.
        var open = edges.Select(static list => list.Count).ToArray();
        var dependents = Enumerable.Range(0, edges.Count).Select(static _ => new List<int>()).ToArray();
        for (var task = 0; task < edges.Count; task++)
        {
            foreach (var dependency in edges[task])
            {
                dependents[dependency].Add(task);
            }
        }

        var free = new Queue<int>(Enumerable.Range(0, edges.Count).Where(task => open[task] == 0));
        var taken = 0;
        while (free.TryDequeue(out var task))
        {
            taken++;
            foreach (var dependent in dependents[task])
            {
                if (--open[dependent] == 0)
                {
                    free.Enqueue(dependent);
                }
            }
        }

        return taken == edges.Count ? null : Follow(edges, open);
    }

    // Each task that is left depends on another one that is left, so walking along these ends in a circle.
    private static List<int> Follow(IReadOnlyList<IReadOnlyList<int>> edges, int[] open)
    {
        var path = new List<int>();
        var seen = new Dictionary<int, int>();
        var task = Array.FindIndex(open, static count => count > 0);
        while (seen.TryAdd(task, path.Count))
        {
            path.Add(task);
            task = edges[task].First(dependency => open[dependency] > 0);
        }

        return [.. path.Skip(seen[task]), task];
    }
}
