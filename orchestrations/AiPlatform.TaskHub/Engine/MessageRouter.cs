using AiPlatform.TaskHub.Storage;
using Google.Protobuf;
using EventCase = AiPlatform.TaskHub.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Messages between instances and entities, of this process and of others.</summary>
internal sealed class MessageRouter(EngineContext context, OwnedPartitions partitions)
{
    private IMessageReceiver? _instances;
    private IMessageReceiver? _entities;

    /// <summary>Says who receives. The receivers send as well: they are made after the router.</summary>
    public void Connect(IMessageReceiver instances, IMessageReceiver entities) => (_instances, _entities) = (instances, entities);

    /// <summary>Adds to a commit what the message causes at its receiver. One without a receiver is dropped. Called under the lock.</summary>
    public void Deliver(Commit commit, HubState hub, Envelope message)
    {
        var partition = Partition.Of(message.Target);
        if (!partitions.Has(partition))
        {
            commit.Messages.Add(new(context.NextNonce(), partition, hub.Id, message.Target, message.ExecutionId, message.SenderKey, message.Event.ToByteArray()));
            commit.Apply += () => partitions.NoteSent(partition);
            return;
        }

        var receiver = message.Event.EventTypeCase is EventCase.EntityOperationSignaled or EventCase.EntityOperationCalled or EventCase.EntityLockRequested or EventCase.EntityUnlockSent
            ? _entities
            : _instances;
        receiver!.Receive(commit, hub, message);
    }
}
