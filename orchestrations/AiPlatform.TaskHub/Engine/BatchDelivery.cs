using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Batches of entities: which worker gets one, and what becomes of it when the worker does not answer. Guarded by the engine's lock.</summary>
internal sealed class BatchDelivery(EngineContext context, Parking parking, Entities entities)
{
    /// <summary>Gives the worker a batch if it has room and one waits. Called under the lock.</summary>
    public bool Serve(WorkerConnection worker)
    {
        while (worker.HasEntitySlot && worker.Hub.Batches.TryDequeue(worker.EntityFilter, out var entity))
        {
            if (entity.Stage == TurnStage.Ready)
            {
                Dispatch(worker, entity);
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes a batch from its worker; it is delivered again after a wait that grows. Called under the lock.</summary>
    public void TakeBack(LiveEntity entity, bool onPurpose = false)
    {
        entity.Batch?.Worker.Entities.Remove(entity);
        entity.Batch = null;
        entity.FailedDeliveries += onPurpose ? 0 : 1;

        // Still "ready", so that nothing else starts it before its time.
        entity.Stage = TurnStage.Ready;
        if (parking.ParkIfPoison(entity.Hub, entity.Id, entity.FailedDeliveries, entity.Abandonments))
        {
            return;
        }

        context.Deadlines.Add(context.Now + (onPurpose ? Redelivery.DelayAfter(entity.Abandonments) : Redelivery.DelayAfter(entity.FailedDeliveries)), () =>
        {
            if (entity is { Stage: TurnStage.Ready, Batch: null })
            {
                entity.Stage = TurnStage.Idle;
                entities.Activate(entity);
            }
        });
    }

    /// <summary>The batch that a token names. Called under the lock.</summary>
    public (LiveEntity Entity, EntityBatch Batch) Find(string token)
    {
        var parts = token.Split(':', 5);
        return parts.Length == 5 && parts[0] == "e"
            && int.TryParse(parts[3], out var hubId)
            && context.Hubs.Values.FirstOrDefault(hub => hub.Id == hubId) is { } hub
            && hub.Entities.TryGetValue(parts[4], out var entity)
            && entity.Batch is { } batch && batch.Token == token
                ? (entity, batch)
                : throw new StaleTokenException();
    }

    private void Dispatch(WorkerConnection worker, LiveEntity entity)
    {
        var batch = new EntityBatch($"e:{Partition.Of(entity.Id)}:{context.NextNonce()}:{entity.Hub.Id}:{entity.Id}", worker, entity.NextOperations(context.Options.EntityBatch), context.Now);
        entity.Batch = batch;
        entity.Stage = TurnStage.Dispatched;
        worker.Entities.Add(entity);
        var item = new WorkItem { CompletionToken = batch.Token };
        if (context.Options.EntityRequestV1)
        {
            item.EntityRequest = new()
            {
                InstanceId = entity.Id,
                EntityState = entity.State,
                Operations = { batch.Operations.Select(static message => Operation(message.Event)) },
            };
        }
        else
        {
            item.EntityRequestV2 = new()
            {
                InstanceId = entity.Id,
                ExecutionId = string.Empty,
                EntityState = entity.State,
                OperationRequests = { batch.Operations.Select(static message => message.Event) },
            };
        }

        worker.Send(item);
        Metrics.BatchesSent.Inc();
    }

    private static OperationRequest Operation(HistoryEvent item) => item.EntityOperationCalled is { } call
        ? new() { RequestId = call.RequestId, Operation = call.Operation, Input = call.Input }
        : new() { RequestId = item.EntityOperationSignaled.RequestId, Operation = item.EntityOperationSignaled.Operation, Input = item.EntityOperationSignaled.Input };
}
