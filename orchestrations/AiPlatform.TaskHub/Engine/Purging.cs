using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Removal of instances that have ended.</summary>
internal sealed class Purging(EngineContext context)
{
    /// <summary>Removes finished instances.</summary>
    /// <returns>How many were removed.</returns>
    /// <exception cref="InvalidOperationException">An instance named by its id has not ended.</exception>
    public async Task<int> PurgeAsync(HubState hub, IReadOnlyCollection<string> instanceIds, bool recursive, CancellationToken cancellationToken)
    {
        var keys = new List<long>();
        foreach (var id in instanceIds)
        {
            Task settled;
            lock (context.Gate)
            {
                settled = hub.Instances.TryGetValue(id, out var live) && live.Ended ? live.LastCommit : Task.CompletedTask;
            }

            await settled.WaitAsync(cancellationToken);
            if (await context.Reader.FindAsync(hub.Id, id, false, cancellationToken) is { } stored)
            {
                keys.Add(stored.State.CompletedTimestamp is null ? throw new InvalidOperationException($"The orchestration instance '{id}' has not ended.") : stored.Key);
            }
        }

        return await PurgeAsync(keys, recursive, cancellationToken);
    }

    /// <summary>Removes finished instances that match, a bounded number of them.</summary>
    /// <returns>How many were removed, and whether that was all.</returns>
    public async Task<(int Count, bool Complete)> PurgeAsync(HubState hub, PurgeInstanceFilter filter, bool recursive, CancellationToken cancellationToken)
    {
        var keys = await context.Reader.FinishedAsync(hub.Id, filter, context.Options.PurgeBatch, cancellationToken);
        return (await PurgeAsync(keys, recursive, cancellationToken), keys.Count < context.Options.PurgeBatch);
    }

    private async Task<int> PurgeAsync(List<long> keys, bool recursive, CancellationToken cancellationToken)
    {
        if (keys.Count == 0)
        {
            return 0;
        }

        var all = recursive ? keys.Concat(await context.Reader.FinishedDescendantsAsync(keys, cancellationToken)).Distinct().ToArray() : [.. keys];
        Task written;
        lock (context.Gate)
        {
            written = context.Write(new Commit { Deletes = all });
        }

        await written.WaitAsync(cancellationToken);
        return all.Length;
    }
}
