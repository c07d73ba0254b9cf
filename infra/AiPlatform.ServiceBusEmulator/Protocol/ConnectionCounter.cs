namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>How many connections a broker has open.</summary>
internal sealed class ConnectionCounter
{
    private int _open;

    internal int Open => Volatile.Read(ref _open);

    internal void Opened() => Interlocked.Increment(ref _open);

    internal void Closed() => Interlocked.Decrement(ref _open);
}
