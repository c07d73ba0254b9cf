using AiPlatform.DurableTask.Worker.Replay;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Orchestrators between their turns; the least recently used ones go when there are too many.</summary>
internal sealed class SessionCache(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string InstanceId, OrchestrationSession Session)>> _byId = new(StringComparer.Ordinal);
    private readonly LinkedList<(string InstanceId, OrchestrationSession Session)> _byUse = new();

    /// <summary>Takes a session out: nobody else can have it meanwhile.</summary>
    public OrchestrationSession? Take(string instanceId)
    {
        lock (_gate)
        {
            if (!_byId.Remove(instanceId, out var node))
            {
                return null;
            }

            _byUse.Remove(node);
            return node.Value.Session;
        }
    }

    public void Put(string instanceId, OrchestrationSession session)
    {
        lock (_gate)
        {
            if (_byId.Remove(instanceId, out var old))
            {
                _byUse.Remove(old);
            }

            _byId[instanceId] = _byUse.AddLast((instanceId, session));
            if (_byUse.Count > capacity)
            {
                _byId.Remove(_byUse.First!.Value.InstanceId);
                _byUse.RemoveFirst();
            }
        }
    }
}
