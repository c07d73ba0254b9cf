using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <content>Locks of entities.</content>
internal sealed partial class HubEngine
{
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
            Deliver(commit, entity.Hub, next);
        }

        entity.Stage = TurnStage.Committing;
        Change(commit, entity, done, lockedBy, section, entity.State);
        _ = Write(commit);
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
            return new(next, NewEvent(item => item.EntityLockRequested = forward));
        }

        if (LegacyEntityMessage.IsLock(request, out var name))
        {
            return new(request.ParentInstanceId, NewEvent(item => item.EventRaised = new() { Name = name, Input = LegacyEntityMessage.Granted() }));
        }

        return new(request.ParentInstanceId, NewEvent(item => item.EntityLockGranted = new() { CriticalSectionId = request.CriticalSectionId }));
    }
}
