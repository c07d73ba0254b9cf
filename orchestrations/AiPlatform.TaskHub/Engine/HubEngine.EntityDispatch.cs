using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <content>Batches of entities and the workers that have them.</content>
internal sealed partial class HubEngine
{
    private bool ServeBatch(WorkerConnection worker)
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

    private void Dispatch(WorkerConnection worker, LiveEntity entity)
    {
        var batch = new EntityBatch($"e:{Partition.Of(entity.Id)}:{++_lastNonce}:{entity.Hub.Id}:{entity.Id}", worker, entity.NextOperations(_options.EntityBatch), Now);
        entity.Batch = batch;
        entity.Stage = TurnStage.Dispatched;
        worker.Entities.Add(entity);
        var item = new WorkItem { CompletionToken = batch.Token };
        if (_options.EntityRequestV1)
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

    /// <summary>Takes a batch from its worker; it is delivered again after a wait that grows. Called under the lock.</summary>
    private void TakeBack(LiveEntity entity, bool onPurpose = false)
    {
        entity.Batch?.Worker.Entities.Remove(entity);
        entity.Batch = null;
        entity.FailedDeliveries += onPurpose ? 0 : 1;

        // Still "ready", so that nothing else starts it before its time.
        entity.Stage = TurnStage.Ready;
        if (ParkIfPoison(entity.Hub, entity.Id, entity.FailedDeliveries, entity.Abandonments))
        {
            return;
        }

        _deadlines.Add(Now + (onPurpose ? AbandonDelay(entity.Abandonments) : RedeliveryDelay(entity.FailedDeliveries)), () =>
        {
            if (entity is { Stage: TurnStage.Ready, Batch: null })
            {
                entity.Stage = TurnStage.Idle;
                Activate(entity);
            }
        });
    }

    private (LiveEntity Entity, EntityBatch Batch) FindBatch(string token)
    {
        var parts = token.Split(':', 5);
        return parts.Length == 5 && parts[0] == "e"
            && int.TryParse(parts[3], out var hubId)
            && _hubs.Values.FirstOrDefault(hub => hub.Id == hubId) is { } hub
            && hub.Entities.TryGetValue(parts[4], out var entity)
            && entity.Batch is { } batch && batch.Token == token
                ? (entity, batch)
                : throw new StaleTokenException();
    }
}
