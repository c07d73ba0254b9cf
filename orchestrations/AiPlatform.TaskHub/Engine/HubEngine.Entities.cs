using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <content>Entities: their messages, locks and batches.</content>
internal sealed partial class HubEngine
{
    private const int MaxIdleEntities = 2048;

    private static readonly TimeSpan LoadRetry = TimeSpan.FromMilliseconds(500);

    // Entities in memory with nothing to do, the least recently used first.
    private readonly LinkedList<LiveEntity> _idleEntities = new();

    /// <summary>Sends an operation to an entity without waiting for it; a repetition with the same request id is the same signal.</summary>
    public Task SignalEntityAsync(HubState hub, string entityId, SignalEntityRequest request)
    {
        lock (_gate)
        {
            RequireOwned(entityId);
            RequireThere(hub);
            var key = $"s:{hub.Id}:{entityId}:{request.RequestId}";
            if (_recent.Find(key) is { } earlier)
            {
                return earlier;
            }

            var commit = new Commit();
            Deliver(commit, hub, new(entityId, NewEvent(item => item.EntityOperationSignaled = new()
            {
                RequestId = string.IsNullOrEmpty(request.RequestId) ? Guid.NewGuid().ToString() : request.RequestId,
                Operation = request.Name,
                Input = request.Input,
                ScheduledTime = request.ScheduledTime,
            })));
            var task = Write(commit);
            if (!string.IsNullOrEmpty(request.RequestId))
            {
                _recent.Add(key, task);
            }

            return task;
        }
    }

    /// <summary>Takes a lock from an orchestration that is no more, if it still has it.</summary>
    public Task ReleaseLockAsync(HubState hub, string entityId, string section, string parentId)
    {
        lock (_gate)
        {
            RequireThere(hub);
            var commit = new Commit();
            Deliver(commit, hub, new(entityId, NewEvent(item => item.EntityUnlockSent = new() { CriticalSectionId = section, ParentInstanceId = parentId })));
            return Write(commit);
        }
    }

    /// <summary>Removes entities that have no state, no lock and no messages.</summary>
    public Task RemoveEmptyEntitiesAsync(HubState hub, IReadOnlyCollection<string> entityIds)
    {
        lock (_gate)
        {
            return Write(new Commit { EmptyEntities = entityIds, EmptyEntitiesHub = hub.Id });
        }
    }

    /// <summary>Records a batch: state, answers and actions in one commit. Operations without a result are sent again.</summary>
    /// <exception cref="StaleTokenException">The batch is no longer this delivery's.</exception>
    public Task CompleteEntityAsync(EntityBatchResult result)
    {
        lock (_gate)
        {
            if (_recent.Find(result.CompletionToken) is { } earlier)
            {
                return earlier;
            }

            var (entity, batch) = FindBatch(result.CompletionToken);
            if (result.FailureDetails is not null || result.RequiresState || result.Results.Count == 0)
            {
                // The batch as a whole could not be run: nothing of it counts.
                TakeBack(entity);
                PumpAll();
                return Task.CompletedTask;
            }

            if (result.Actions.FirstOrDefault(static action => !IsSupported(action)) is { } unknown)
            {
                throw new ArgumentException($"This task hub does not carry out the action {unknown.OperationActionTypeCase} {unknown.Id}: its receiver is not an id.");
            }

            var task = Commit(entity, batch, result);
            _recent.Add(result.CompletionToken, task);
            Metrics.BatchesCompleted.Inc();
            Pump(entity.Hub);
            return task;
        }
    }

    /// <summary>A worker gives a batch back; another delivery follows after a wait that grows.</summary>
    public void AbandonEntity(string token)
    {
        lock (_gate)
        {
            var (entity, _) = FindBatch(token);
            Metrics.Abandoned.Inc();
            entity.Abandonments = entity.Abandonments.Again(Now);
            TakeBack(entity, onPurpose: true);
            PumpAll();
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
                Deliver(commit, entity.Hub, new(call.ParentInstanceId, Answer(call, outcome), call.ParentExecutionId));
            }
        }

        foreach (var action in result.Actions)
        {
            CarryOut(commit, entity, action);
        }

        Change(commit, entity, done, entity.LockedBy, entity.Section, result.EntityState);
        return Write(commit);
    }

    /// <summary>What an entity's operation asked for.</summary>
    private void CarryOut(Commit commit, LiveEntity entity, OperationAction action)
    {
        if (action.SendSignal is { } signal && EntityName.TryNormalize(signal.InstanceId, out var target))
        {
            Deliver(commit, entity.Hub, new(target, NewEvent(item => item.EntityOperationSignaled = new()
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
            Deliver(commit, entity.Hub, new(id, NewEvent(item => item.ExecutionStarted = new()
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

    private HistoryEvent Answer(EntityOperationCalledEvent call, OperationResult outcome) => NewEvent(item =>
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

    /// <summary>Adds a message to an entity's rows; when durable it arrives. Called under the lock.</summary>
    private void Enqueue(Commit commit, HubState hub, string entityId, HistoryEvent item)
    {
        var entity = Entity(hub, entityId);
        var message = new EntityMessage(++_lastNonce, item);
        commit.EntityMessages.Add((new(hub.Id, entityId, message.Seq), item.ToByteArray()));
        entity.Expected++;
        commit.Apply += () =>
        {
            entity.Expected--;
            Arrive(entity, message);
        };
    }

    private static LiveEntity Entity(HubState hub, string id)
    {
        if (!hub.Entities.TryGetValue(id, out var entity))
        {
            hub.Entities[id] = entity = new LiveEntity(hub, id);
        }

        return entity;
    }

    private void Arrive(LiveEntity entity, EntityMessage message)
    {
        if (message.ScheduledTime is { } due && due > Now)
        {
            entity.Expected++;
            _deadlines.Add(due, () =>
            {
                entity.Expected--;
                entity.Queue.Add(message);
                Activate(entity);
            });
            return;
        }

        entity.Queue.Add(message);
        Activate(entity);
    }

    /// <summary>If something waits for an entity and nothing holds it back, the next step is taken. Called under the lock.</summary>
    private void Activate(LiveEntity entity)
    {
        if (entity.Stage != TurnStage.Idle || entity.IsForgotten)
        {
            return;
        }

        if (entity.Idle is not null)
        {
            _idleEntities.Remove(entity.Idle);
            entity.Idle = null;
        }

        if (entity.Queue.Count == 0)
        {
            Rest(entity);
        }
        else if (!entity.IsLoaded)
        {
            entity.Stage = TurnStage.Committing;
            _ = LoadAsync(entity);
        }
        else if (!StepLock(entity) && entity.NextOperations(1).Length > 0)
        {
            entity.Stage = TurnStage.Ready;
            if (entity.Hub.Parked.ContainsKey((entity.Id, ParkedRow.Whole)))
            {
                return;
            }

            entity.Hub.Batches.Enqueue(entity.Name, null, entity);
        }
    }

    /// <summary>Keeps an idle entity in memory, and forgets the one that was idle longest when there are too many.</summary>
    private void Rest(LiveEntity entity)
    {
        if (entity.Expected > 0)
        {
            return;
        }

        entity.Idle = _idleEntities.AddLast(entity);
        if (_idleEntities.Count > MaxIdleEntities)
        {
            var oldest = _idleEntities.First!.Value;
            _idleEntities.RemoveFirst();
            oldest.Idle = null;
            if (oldest.Expected == 0)
            {
                oldest.Hub.Entities.Remove(oldest.Id);
            }
        }
    }

    private async Task LoadAsync(LiveEntity entity)
    {
        StoredEntity? stored = null;
        var loaded = false;
        try
        {
            stored = await _reader.FindEntityAsync(entity.Hub.Id, entity.Id, state: true, Stopped);
            loaded = true;
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception exception)
        {
            Logs.EntityNotRead(_logger, exception, entity.Id);
        }

        lock (_gate)
        {
            entity.Stage = TurnStage.Idle;
            if (loaded)
            {
                entity.IsLoaded = true;
                (entity.State, entity.LockedBy, entity.Section) = (stored?.State, stored?.LockedBy, stored?.Section);
                Activate(entity);
                Pump(entity.Hub);
            }
            else
            {
                _deadlines.Add(Now + LoadRetry, () => Activate(entity));
            }
        }
    }

    /// <summary>Adds the entity's new state to a commit; when durable it is the state in memory and the entity goes on.</summary>
    private void Change(Commit commit, LiveEntity entity, IReadOnlyCollection<EntityMessage> done, string? lockedBy, string? section, string? state)
    {
        commit.EntityMessagesDone.AddRange(done.Select(message => new EntityMessageKey(entity.Hub.Id, entity.Id, message.Seq)));
        commit.PayloadsFreed.AddRange(done.Where(message => PayloadToken.Is(PayloadFields.Of(message.Event))).Select(message => PayloadRows.OfMessage(message.Seq)));
        if (PayloadToken.Is(entity.State))
        {
            commit.PayloadsFreed.Add(PayloadRows.OfEntity(entity.Hub.Id, entity.Id));
        }

        commit.EntityUpdates.Add(new(entity.Hub.Id, entity.Id, Now, lockedBy, section, state));
        var gone = done.Select(message => message.Seq).ToHashSet();
        commit.Apply += () =>
        {
            entity.Queue.RemoveAll(message => gone.Contains(message.Seq));
            (entity.LockedBy, entity.Section, entity.State) = (lockedBy, section, state);
            entity.Stage = TurnStage.Idle;
            Activate(entity);
        };
    }
}
