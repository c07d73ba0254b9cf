namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>A session in the hands of a receiver: its lock and its messages.</summary>
internal sealed class SessionHold
{
    private long _until;

    internal SessionHold(QueueEntity entity, string id, BrokerServices services)
    {
        Id = id;
        Renew(services.Time.GetUtcNow().UtcDateTime + entity.Properties.LockDuration);
        Messages = new MessageQueue(entity, QueuePart.Main, services, this);
    }

    internal string Id { get; }

    internal MessageQueue Messages { get; }

    /// <summary>When the lock ends, unless it is renewed.</summary>
    internal DateTime LockedUntil => new(Interlocked.Read(ref _until), DateTimeKind.Utc);

    /// <summary>Whether the holder has lost or given back the session; what it still sends changes nothing.</summary>
    internal bool IsLost { get; set; }

    internal void Renew(DateTime until) => Interlocked.Exchange(ref _until, until.Ticks);
}
