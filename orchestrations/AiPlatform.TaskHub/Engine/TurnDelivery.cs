using System.Globalization;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Turns of orchestrators: when one is due, which worker gets it, and what becomes of it when the worker does not answer. Guarded by the engine's lock.</summary>
internal sealed class TurnDelivery(EngineContext context, Parking parking)
{
    // Above this a worker that can is asked to stream the history, so that no message grows without bound.
    private const int MaxInlineEvents = 5000;
    private const int MaxInlineBytes = 2 * 1024 * 1024;

    /// <summary>If something waits for an instance and nothing holds it back, it gets a turn. Called under the lock.</summary>
    public void Activate(LiveInstance instance)
    {
        if (instance.Stage != TurnStage.Idle || instance.Inbox.Count == 0 || instance.Ended || instance.IsSuspended)
        {
            return;
        }

        if (instance.History.Count == 0 && instance.State.ScheduledStartTimestamp is { } scheduled && WireTime.Of(scheduled) is var start && start > context.Now)
        {
            context.Deadlines.Add(start, () => Activate(instance));
            return;
        }

        Enqueue(instance);
    }

    /// <summary>Lets a turn wait for a worker, or for a person when it is parked. Called under the lock.</summary>
    public static void Enqueue(LiveInstance instance)
    {
        instance.Stage = TurnStage.Ready;
        if (instance.Hub.Parked.Count > 0 && instance.Hub.Parked.ContainsKey((instance.Id, Storage.ParkedRow.Whole)))
        {
            instance.FailedDeliveries = Math.Max(1, instance.FailedDeliveries);
            return;
        }

        instance.Hub.Turns.Enqueue(instance.State.Name, instance.State.Version, instance);
    }

    /// <summary>Gives the worker a turn if it has room and one waits. Called under the lock.</summary>
    public bool Serve(WorkerConnection worker)
    {
        while (worker.HasTurnSlot && worker.Hub.Turns.TryDequeue(worker.OrchestrationFilter, out var instance))
        {
            if (instance.Stage == TurnStage.Ready && !instance.Ended)
            {
                if (instance.IsSuspended)
                {
                    instance.Stage = TurnStage.Idle;
                    continue;
                }

                Dispatch(worker, instance);
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes a turn from its worker; the next delivery has another token. Called under the lock.</summary>
    public void TakeBack(LiveInstance instance, bool onPurpose = false)
    {
        var turn = instance.Turn;
        turn?.Worker.Turns.Remove(instance);
        if (turn is null || instance.Stage != TurnStage.Dispatched)
        {
            return;
        }

        Metrics.LeasesLost.Inc();
        instance.Turn = null;
        instance.Stage = TurnStage.Ready;
        instance.FailedDeliveries += onPurpose ? 0 : 1;
        if (parking.ParkIfPoison(instance.Hub, instance.Id, instance.FailedDeliveries, instance.Abandonments))
        {
            // Marks that it waits here for a person.
            instance.FailedDeliveries = Math.Max(1, instance.FailedDeliveries);
            return;
        }

        if (!onPurpose && instance.FailedDeliveries == 1)
        {
            Enqueue(instance);
            return;
        }

        context.Deadlines.Add(context.Now + (onPurpose ? Redelivery.DelayAfter(instance.Abandonments) : Redelivery.DelayAfter(instance.FailedDeliveries)), () =>
        {
            if (instance.Stage == TurnStage.Ready && !instance.Ended)
            {
                Enqueue(instance);
            }
        });
    }

    /// <summary>The instance whose turn a token names. Called under the lock.</summary>
    public LiveInstance Find(string token)
    {
        Span<Range> parts = stackalloc Range[5];
        return token.AsSpan().Split(parts, ':') == 4
            && long.TryParse(token.AsSpan()[parts[2]], NumberStyles.None, CultureInfo.InvariantCulture, out var key)
            && context.ByKey.TryGetValue(key, out var instance)
            && instance is { Stage: TurnStage.Dispatched, Ended: false, Turn: { } turn }
            && turn.Token == token
                ? instance
                : throw new StaleTokenException();
    }

    private void Dispatch(WorkerConnection worker, LiveInstance instance)
    {
        var started = new HistoryEvent { EventId = -1, Timestamp = Timestamp.FromDateTime(context.Now), OrchestratorStarted = new() };
        var turn = new Turn($"o:{instance.Partition}:{instance.Key}:{context.NextNonce()}", started, instance.Inbox.Count, worker);
        var request = new OrchestratorRequest
        {
            InstanceId = instance.Id,
            ExecutionId = instance.State.ExecutionId,
            EntityParameters = new() { EntityMessageReorderWindow = Duration.FromTimeSpan(TimeSpan.Zero) },
            NewEvents = { started },
            OrchestrationTraceContext = instance.TraceContext,
        };
        foreach (var arrival in instance.Inbox)
        {
            request.NewEvents.Add(arrival.Event);
        }

        if ((instance.History.Count > MaxInlineEvents || instance.HistoryBytes > MaxInlineBytes) && worker.StreamsHistory)
        {
            request.RequiresHistoryStreaming = true;
        }
        else
        {
            request.PastEvents.AddRange(instance.History);
        }

        instance.Turn = turn;
        instance.Stage = TurnStage.Dispatched;
        worker.Turns.Add(instance);
        worker.Send(new WorkItem { OrchestratorRequest = request, CompletionToken = turn.Token });
        Metrics.ReplayEvents.Observe(request.RequiresHistoryStreaming ? instance.History.Count : request.PastEvents.Count);
        Metrics.TurnsSent.Inc();
    }
}
