namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>A message id that must be new to an entity. Copies of one message share it.</summary>
/// <param name="queueId">The entity that keeps a history of ids.</param>
/// <param name="messageId">The id.</param>
/// <param name="until">How long the id is remembered.</param>
/// <param name="earlier">The check of an entity that the message came through before.</param>
internal sealed class DuplicateCheck(int queueId, string messageId, DateTime until, DuplicateCheck? earlier)
{
    internal int QueueId => queueId;

    internal string MessageId => messageId;

    internal DateTime Until => until;

    internal DuplicateCheck? Earlier => earlier;

    /// <summary>Whether the entity has had a message with this id; set by the writer.</summary>
    internal bool IsRepeated { get; set; }

    /// <summary>Whether a message is dropped: one of its checks failed.</summary>
    internal static bool IsDuplicate(DuplicateCheck? check)
    {
        for (; check is not null; check = check.Earlier)
        {
            if (check.IsRepeated)
            {
                return true;
            }
        }

        return false;
    }
}
