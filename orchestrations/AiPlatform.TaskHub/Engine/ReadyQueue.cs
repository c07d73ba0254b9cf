namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// Work that waits for a worker, first in first out, kept apart by name and version so that a worker which takes only some names
/// finds its work without looking at the rest.
/// </summary>
internal sealed class ReadyQueue<T>
{
    private readonly Dictionary<(string Name, string Version), Queue<(long Order, long Since, T Item)>> _queues = [];
    private long _order;

    public int Count { get; private set; }

    /// <summary>How long the oldest item has waited.</summary>
    public TimeSpan Age => _queues.Count == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Environment.TickCount64 - _queues.Values.Min(queue => queue.Peek().Since));

    public void Enqueue(string name, string? version, T item)
    {
        var key = (name, version ?? string.Empty);
        if (!_queues.TryGetValue(key, out var queue))
        {
            _queues[key] = queue = new();
        }

        queue.Enqueue((_order++, Environment.TickCount64, item));
        Count++;
    }

    /// <summary>Takes the oldest item that the filter lets through.</summary>
    public bool TryDequeue(NameFilter filter, out T item)
    {
        (string, string)? best = null;
        var bestOrder = long.MaxValue;
        foreach (var (key, queue) in _queues)
        {
            var order = queue.Peek().Order;
            if (order < bestOrder && filter.Allows(key.Name, key.Version))
            {
                best = key;
                bestOrder = order;
            }
        }

        if (best is not { } found)
        {
            item = default!;
            return false;
        }

        var source = _queues[found];
        item = source.Dequeue().Item;
        Count--;
        if (source.Count == 0)
        {
            _queues.Remove(found);
        }

        return true;
    }
}

/// <summary>Which names and versions a worker takes; no names means all.</summary>
internal sealed class NameFilter(IReadOnlyDictionary<string, HashSet<string>>? names)
{
    public static NameFilter All { get; } = new(null);

    /// <summary>Names ignore case; a name without versions stands for all of its versions.</summary>
    public static NameFilter Create(IEnumerable<(string Name, IEnumerable<string> Versions)>? filters)
        => filters is null
            ? All
            : new NameFilter(filters.GroupBy(filter => filter.Name, StringComparer.OrdinalIgnoreCase).ToDictionary(
                group => group.Key,
                group => group.Any(filter => !filter.Versions.Any()) ? [] : group.SelectMany(filter => filter.Versions).ToHashSet(StringComparer.OrdinalIgnoreCase),
                StringComparer.OrdinalIgnoreCase));

    public bool Allows(string name, string version)
        => names is null || (names.TryGetValue(name, out var versions) && (versions.Count == 0 || versions.Contains(version)));
}
