using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.Messaging.Transport;

/// <summary>The session that a receiving link is bound to: asked for by name, or the next one that is free.</summary>
internal sealed class ReceiverSession(string? requestedId)
{
    private static readonly Symbol Filter = "com.microsoft:session-filter";
    private static readonly Symbol LockedUntilProperty = "com.microsoft:locked-until-utc";
    private static readonly Symbol TimeoutProperty = "com.microsoft:timeout";

    private long _lockedUntil;

    /// <summary>The session; known once the link is open.</summary>
    internal string? Id { get; private set; }

    internal DateTimeOffset LockedUntil
    {
        get => new(Interlocked.Read(ref _lockedUntil), TimeSpan.Zero);
        set => Interlocked.Exchange(ref _lockedUntil, value.UtcTicks);
    }

    /// <summary>Asks for the session in an attach.</summary>
    internal void AddTo(Attach attach, TimeSpan timeout)
    {
        ((Source)attach.Source).FilterSet = new Map { [Filter] = requestedId };
        attach.Properties = new Fields { [TimeoutProperty] = (uint)timeout.TotalMilliseconds };
    }

    /// <summary>Reads which session the broker gave, and for how long.</summary>
    internal void Read(Attach answer)
    {
        Id = (answer.Source as Source)?.FilterSet?[Filter] switch
        {
            DescribedValue described => described.Value as string,
            var value => value as string,
        };
        if (answer.Properties?[LockedUntilProperty] is long ticks)
        {
            Interlocked.Exchange(ref _lockedUntil, ticks);
        }
    }
}
