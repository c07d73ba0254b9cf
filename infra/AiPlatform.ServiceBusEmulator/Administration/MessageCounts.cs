namespace AiPlatform.ServiceBusEmulator.Administration;

/// <summary>How many messages an entity has, by where they are; locked and deferred ones count as active, as in the service.</summary>
internal sealed record MessageCounts(long Active, long Scheduled, long DeadLetter, long TransferDeadLetter, long SizeInBytes)
{
    internal static readonly MessageCounts None = new(0, 0, 0, 0, 0);

    internal long Total => Active + Scheduled + DeadLetter + TransferDeadLetter;
}
