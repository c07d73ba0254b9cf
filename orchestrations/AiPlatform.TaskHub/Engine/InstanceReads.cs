using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>What clients see of instances: what is durable, and no less than what they were told.</summary>
internal sealed class InstanceReads(EngineContext context, OwnedPartitions partitions)
{
    /// <summary>The state of an instance as it is durable; null when it does not exist.</summary>
    public async Task<OrchestrationState?> GetAsync(HubState hub, string instanceId, bool payloads, CancellationToken cancellationToken)
    {
        OrchestrationState? state = null;
        Task? durable = null;
        lock (context.Gate)
        {
            if (hub.Instances.TryGetValue(instanceId, out var live))
            {
                state = live.State.Clone();
                state.Input = payloads ? live.Input : null;
                state.Output = payloads ? state.Output : null;
                state.FailureDetails = payloads ? state.FailureDetails : null;
                durable = live.Creation.IsCompletedSuccessfully ? live.LastCommit : live.Creation;
            }
        }

        if (durable is null)
        {
            return (await context.Reader.FindAsync(hub.Id, instanceId, payloads, cancellationToken))?.State;
        }

        try
        {
            await durable.WaitAsync(cancellationToken);
            return state;
        }
        catch (InstanceExistsException)
        {
            // The start that we saw was refused: an older, finished instance has this id.
            return (await context.Reader.FindAsync(hub.Id, instanceId, payloads, cancellationToken))?.State;
        }
    }

    /// <summary>Waits until the instance has left the pending status, or has ended.</summary>
    public async Task<OrchestrationState?> WaitAsync(HubState hub, string instanceId, bool untilEnd, bool payloads, CancellationToken cancellationToken)
    {
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, context.Stopped);
        LiveInstance? instance;
        TaskCompletionSource? waiter = null;
        lock (context.Gate)
        {
            partitions.RequireOwned(instanceId);
            if (hub.Instances.TryGetValue(instanceId, out instance) && (untilEnd || instance.State.OrchestrationStatus == OrchestrationStatus.Pending))
            {
                waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                (untilEnd ? instance.EndWaiters : instance.StartWaiters).Add(waiter);
            }
        }

        if (waiter is not null)
        {
            try
            {
                await waiter.Task.WaitAsync(stopped.Token);
            }
            finally
            {
                lock (context.Gate)
                {
                    (untilEnd ? instance!.EndWaiters : instance!.StartWaiters).Remove(waiter);
                }
            }
        }

        return await GetAsync(hub, instanceId, payloads, cancellationToken);
    }

    /// <summary>The history of the current execution.</summary>
    /// <exception cref="KeyNotFoundException">No such instance.</exception>
    public async Task<IReadOnlyList<HistoryEvent>> HistoryAsync(HubState hub, string instanceId, CancellationToken cancellationToken)
    {
        HistoryEvent[]? history = null;
        Task durable = Task.CompletedTask;
        lock (context.Gate)
        {
            if (hub.Instances.TryGetValue(instanceId, out var live) && !live.Ended)
            {
                // What was folded is durable.
                history = [.. live.History];
            }
            else if (live is not null)
            {
                durable = live.LastCommit;
            }
        }

        if (history is not null)
        {
            return history;
        }

        await durable.WaitAsync(cancellationToken);
        var stored = await context.Reader.FindAsync(hub.Id, instanceId, false, cancellationToken) ?? throw new KeyNotFoundException($"There is no orchestration instance '{instanceId}'.");
        var past = new LiveInstance(hub, stored.Key, stored.State);
        await foreach (var row in context.Reader.LogAsync(stored.Key, cancellationToken))
        {
            past.Fold(row);
        }

        return past.History;
    }
}
