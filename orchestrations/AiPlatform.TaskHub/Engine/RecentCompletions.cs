namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// The completions of the last while, so that a worker which did not see the answer and repeats one gets the same answer. Bounded;
/// guarded by the engine's lock.
/// </summary>
internal sealed class RecentCompletions
{
    private const int Capacity = 16384;

    private readonly Dictionary<string, Task> _commits = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    public void Add(string token, Task commit)
    {
        if (_commits.TryAdd(token, commit))
        {
            _order.Enqueue(token);
            if (_order.Count > Capacity)
            {
                _commits.Remove(_order.Dequeue());
            }
        }
    }

    public Task? Find(string token) => _commits.GetValueOrDefault(token);
}
