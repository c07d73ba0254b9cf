using System.Collections.Concurrent;
using AiPlatform.Contracts.Runners;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Report;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>The nodes that this runner has to do with: those that run, and those of an earlier life that still report.</summary>
internal sealed class ActiveNodes
{
    private readonly ConcurrentDictionary<NodeKey, NodeRun> _running = new();
    private readonly ConcurrentDictionary<NodeKey, JobToken> _leftovers = new();
    private volatile bool _draining;

    /// <summary>No more work is taken.</summary>
    public bool Draining
    {
        get => _draining;
        set => _draining = value;
    }

    /// <summary>Nodes that run.</summary>
    public int Count => _running.Count;

    /// <summary>All of them, as heartbeats name them.</summary>
    public IReadOnlyList<RunningNode> Running => [.. _running.Keys.Select(static key => key.ToRunningNode())];

    /// <summary>Adds a node; false when it runs already.</summary>
    public bool TryAdd(NodeRun run) => _running.TryAdd(run.Key, run);

    /// <summary>Whether the node runs.</summary>
    public bool Contains(NodeKey key) => _running.ContainsKey(key);

    /// <summary>Removes a node that ended.</summary>
    public void Remove(NodeKey key) => _running.TryRemove(key, out _);

    /// <summary>Adds a node of an earlier life.</summary>
    public void AddLeftover(NodeKey key, JobToken token) => _leftovers[key] = token;

    /// <summary>Removes a node of an earlier life.</summary>
    public void RemoveLeftover(NodeKey key) => _leftovers.TryRemove(key, out _);

    /// <summary>Does what the platform says.</summary>
    public void Apply(RunnerCommand command)
    {
        if (command.Kind == RunnerCommandKind.Drain && command.Node is null)
        {
            Draining = true;
            return;
        }

        if (command.Node is not { } node || !_running.TryGetValue(new NodeKey(node.JobId, node.Attempt, node.Node), out var run))
        {
            return;
        }

        switch (command.Kind)
        {
            case RunnerCommandKind.Cancel:
                run.Cancel(command.Reason);
                break;
            case RunnerCommandKind.Checkpoint:
                run.Wishes.Checkpoint = true;
                break;
            case RunnerCommandKind.Drain:
                run.Wishes.Checkpoint = true;
                run.Wishes.Stop = true;
                break;
            default:
                break; // A newer platform's command.
        }
    }

    /// <summary>Hands out fresh tokens.</summary>
    public void Renew(RefreshedJobToken token)
    {
        var key = new NodeKey(token.Node.JobId, token.Node.Attempt, token.Node.Node);
        if (_running.TryGetValue(key, out var run))
        {
            run.Token.Renew(token.JobToken);
        }
        else if (_leftovers.TryGetValue(key, out var leftover))
        {
            leftover.Renew(token.JobToken);
        }
    }
}
