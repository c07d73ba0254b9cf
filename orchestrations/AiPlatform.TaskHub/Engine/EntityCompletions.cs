using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Results of entities' batches.</summary>
internal sealed class EntityCompletions(EngineContext context, Entities entities, BatchDelivery batches, MessageRouter router, Workers workers)
{
    /// <summary>Records a batch: state, answers and actions in one commit. Operations without a result are sent again.</summary>
    /// <exception cref="StaleTokenException">The batch is no longer this delivery's.</exception>
    public Task CompleteAsync(EntityBatchResult result)
    {
        lock (context.Gate)
        {
            if (context.Recent.Find(result.CompletionToken) is { } earlier)
            {
                return earlier;
            }

            var (entity, batch) = batches.Find(result.CompletionToken);
            if (result.FailureDetails is not null || result.RequiresState || result.Results.Count == 0)
            {
                // The batch as a whole could not be run: nothing of it counts.
                batches.TakeBack(entity);
                workers.PumpAll();
                return Task.CompletedTask;
            }

            if (result.Actions.FirstOrDefault(static action => !TurnActions.IsSupported(action)) is { } unknown)
            {
                throw new ArgumentException($"This task hub does not carry out the action {unknown.OperationActionTypeCase} {unknown.Id}: its receiver is not an id.");
            }

            var task = Commit(entity, batch, result);
            context.Recent.Add(result.CompletionToken, task);
            Metrics.BatchesCompleted.Inc();
            workers.Pump(entity.Hub);
            return task;
        }
    }

    /// <summary>A worker gives a batch back; another delivery follows after a wait that grows.</summary>
    public void Abandon(string token)
    {
        lock (context.Gate)
        {
            var (entity, _) = batches.Find(token);
            Metrics.Abandoned.Inc();
            entity.Abandonments = entity.Abandonments.Again(context.Now);
            batches.TakeBack(entity, onPurpose: true);
            workers.PumpAll();
        }
    }

    private Task Commit(LiveEntity entity, EntityBatch batch, EntityBatchResult result)
    {
        batch.Worker.Entities.Remove(entity);
        entity.Batch = null;
        entity.Stage = TurnStage.Committing;
        entity.FailedDeliveries = 0;
        entity.Abandonments = default;
        var commit = new Commit();
        var done = batch.Operations.Take(result.Results.Count).ToArray();
        foreach (var (message, outcome) in done.Zip(result.Results))
        {
            if (message.Event.EntityOperationCalled is { } call)
            {
                router.Deliver(commit, entity.Hub, new(call.ParentInstanceId, Answer(call, outcome), call.ParentExecutionId));
            }
        }

        foreach (var action in result.Actions)
        {
            CarryOut(commit, entity, action);
        }

        entities.Change(commit, entity, done, entity.LockedBy, entity.Section, result.EntityState);
        return context.Write(commit);
    }

    /// <summary>What an entity's operation asked for.</summary>
    private void CarryOut(Commit commit, LiveEntity entity, OperationAction action)
    {
        if (action.SendSignal is { } signal && EntityName.TryNormalize(signal.InstanceId, out var target))
        {
            router.Deliver(commit, entity.Hub, new(target, context.NewEvent(item => item.EntityOperationSignaled = new()
            {
                RequestId = Guid.NewGuid().ToString(),
                Operation = signal.Name,
                Input = signal.Input,
                ScheduledTime = signal.ScheduledTime,
            })));
        }
        else if (action.StartNewOrchestration is { } start)
        {
            var id = string.IsNullOrEmpty(start.InstanceId) ? Guid.NewGuid().ToString("N") : start.InstanceId;
            router.Deliver(commit, entity.Hub, new(id, context.NewEvent(item => item.ExecutionStarted = new()
            {
                Name = start.Name,
                Version = start.Version,
                Input = start.Input,
                OrchestrationInstance = new() { InstanceId = id, ExecutionId = Guid.NewGuid().ToString("N") },
                ScheduledStartTimestamp = start.ScheduledTime is { Seconds: > 0 } ? start.ScheduledTime : null,
                ParentTraceContext = start.ParentTraceContext,
            })));
        }
    }

    private HistoryEvent Answer(EntityOperationCalledEvent call, OperationResult outcome) => context.NewEvent(item =>
    {
        if (LegacyEntityMessage.IsCall(call))
        {
            item.EventRaised = new() { Name = call.RequestId, Input = LegacyEntityMessage.Answer(outcome) };
        }
        else if (outcome.Failure is { } failure)
        {
            item.EntityOperationFailed = new() { RequestId = call.RequestId, FailureDetails = failure.FailureDetails };
        }
        else
        {
            item.EntityOperationCompleted = new() { RequestId = call.RequestId, Output = outcome.Success?.Result };
        }
    });
}
