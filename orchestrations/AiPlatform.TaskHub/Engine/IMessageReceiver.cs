using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>What one instance or entity sends to another.</summary>
/// <param name="Target">The id of the receiver.</param>
/// <param name="Event">A start, a request to terminate, a message to an entity, or an event of the receiver's history.</param>
/// <param name="ExecutionId">When set, the only execution of the receiver that the event is for.</param>
/// <param name="SenderKey">The parent's key, for a start.</param>
internal sealed record Envelope(string Target, HistoryEvent Event, string? ExecutionId = null, long? SenderKey = null);

/// <summary>A kind of receiver of messages: instances, or entities.</summary>
internal interface IMessageReceiver
{
    /// <summary>Adds to a commit what a message causes at its receiver, which this process owns. Called under the lock.</summary>
    void Receive(Commit commit, HubState hub, Envelope message);
}
