using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// Entities in memory: their messages, their locks, when they have something to do, and that idle ones are forgotten.
/// Guarded by the engine's lock.
/// </summary>
internal sealed class Entities(EngineContext context, MessageRouter router) : IMessageReceiver
{
    private const int MaxIdleEntities = 2048;

    private static readonly TimeSpan LoadRetry = TimeSpan.FromMilliseconds(500);

    // Entities in memory with nothing to do, the least recently used first.
    private readonly LinkedList<LiveEntity> _idleEntities = new();

    /// <summary>Adds a message to an entity's rows; when durable it arrives.</summary>
    public void Receive(Commit commit, HubState hub, Envelope envelope)
    {
        var (entityId, item) = (envelope.Target, envelope.Event);
        var entity = Entity(hub, entityId);
        var message = new EntityMessage(context.NextNonce(), item);
        commit.EntityMessages.Add((new(hub.Id, entityId, message.Seq), item.ToByteArray()));
        entity.Expected++;
        commit.Apply += () =>
        {
            entity.Expected--;
            Arrive(entity, message);
        };
    }

    /// <summary>A durable message may be worked on, now or when it is due. Called under the lock.</summary>
    public void Arrive(HubState hub, string entityId, EntityMessage message) => Arrive(Entity(hub, entityId), message);

    /// <summary>If something waits for an entity and nothing holds it back, the next step is taken. Called under the lock.</summary>
    public void Activate(LiveEntity entity)
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

    /// <summary>Adds the entity's new state to a commit; when durable it is the state in memory and the entity goes on.</summary>
    public void Change(Commit commit, LiveEntity entity, IReadOnlyCollection<EntityMessage> done, string? lockedBy, string? section, string? state)
    {
        commit.EntityMessagesDone.AddRange(done.Select(message => new EntityMessageKey(entity.Hub.Id, entity.Id, message.Seq)));
        commit.PayloadsFreed.AddRange(done.Where(message => PayloadToken.Is(PayloadFields.Of(message.Event))).Select(message => PayloadRows.OfMessage(message.Seq)));
        if (PayloadToken.Is(entity.State))
        {
            commit.PayloadsFreed.Add(PayloadRows.OfEntity(entity.Hub.Id, entity.Id));
        }

        commit.EntityUpdates.Add(new(entity.Hub.Id, entity.Id, context.Now, lockedBy, section, state));
        var gone = done.Select(message => message.Seq).ToHashSet();
        commit.Apply += () =>
        {
            entity.Queue.RemoveAll(message => gone.Contains(message.Seq));
            (entity.LockedBy, entity.Section, entity.State) = (lockedBy, section, state);
            entity.Stage = TurnStage.Idle;
            Activate(entity);
        };
    }

    /// <summary>Takes an entity out of the memory. Called under the lock.</summary>
    public void Forget(LiveEntity entity)
    {
        if (entity.Idle is not null)
        {
            _idleEntities.Remove(entity.Idle);
            entity.Idle = null;
        }

        entity.IsForgotten = true;
        entity.Stage = TurnStage.Idle;
        entity.Hub.Entities.Remove(entity.Id);
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
        if (message.ScheduledTime is { } due && due > context.Now)
        {
            entity.Expected++;
            context.Deadlines.Add(due, () =>
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
            stored = await context.Reader.FindEntityAsync(entity.Hub.Id, entity.Id, state: true, context.Stopped);
            loaded = true;
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception exception)
        {
            Logs.EntityNotRead(context.Logger, exception, entity.Id);
        }

        lock (context.Gate)
        {
            entity.Stage = TurnStage.Idle;
            if (loaded)
            {
                entity.IsLoaded = true;
                (entity.State, entity.LockedBy, entity.Section) = (stored?.State, stored?.LockedBy, stored?.Section);
                Activate(entity);
                context.Pump();
            }
            else
            {
                context.Deadlines.Add(context.Now + LoadRetry, () => Activate(entity));
            }
        }
    }

    /// <summary>Carries out unlocks, and grants the lock when its request is first in the queue.</summary>
    private bool StepLock(LiveEntity entity)
    {
        var done = new List<EntityMessage>();
        var (lockedBy, section) = (entity.LockedBy, entity.Section);
        var next = default(Envelope);
        foreach (var message in entity.Queue.Where(message => message.Event.EntityUnlockSent is not null))
        {
            done.Add(message);
            var unlocked = message.Event.EntityUnlockSent.CriticalSectionId;
            if (section == unlocked)
            {
                (lockedBy, section) = (null, null);
            }

            done.AddRange(entity.Queue.Where(other => other.Event.EntityLockRequested?.CriticalSectionId == unlocked));
        }

        if (lockedBy is null && entity.Queue.Find(message => !done.Contains(message)) is { Event.EntityLockRequested: { } request } granted)
        {
            done.Add(granted);
            (lockedBy, section) = (request.ParentInstanceId, request.CriticalSectionId);
            next = Granted(request);
        }

        if (done.Count == 0)
        {
            return false;
        }

        var commit = new Commit();
        if (next is not null)
        {
            router.Deliver(commit, entity.Hub, next);
        }

        entity.Stage = TurnStage.Committing;
        Change(commit, entity, done, lockedBy, section, entity.State);
        _ = context.Write(commit);
        return true;
    }

    /// <summary>The lock request goes on to the next entity of its set; after the last one the orchestration has them all.</summary>
    private Envelope Granted(EntityLockRequestedEvent request)
    {
        var position = request.Position + 1;
        if (position < request.LockSet.Count && EntityName.TryNormalize(request.LockSet[position], out var next))
        {
            var forward = request.Clone();
            forward.Position = position;
            return new(next, context.NewEvent(item => item.EntityLockRequested = forward));
        }

        if (LegacyEntityMessage.IsLock(request, out var name))
        {
            return new(request.ParentInstanceId, context.NewEvent(item => item.EventRaised = new() { Name = name, Input = LegacyEntityMessage.Granted() }));
        }

        return new(request.ParentInstanceId, context.NewEvent(item => item.EntityLockGranted = new() { CriticalSectionId = request.CriticalSectionId }));
    }
}
