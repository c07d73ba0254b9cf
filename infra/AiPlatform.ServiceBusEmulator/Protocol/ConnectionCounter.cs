namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>How many connections a broker has open, and those that have shown no credential.</summary>
/// <param name="strangers">At most so many of these.</param>
internal sealed class ConnectionCounter(int strangers)
{
    private int _open;

    internal Strangers Strangers { get; } = new(strangers);

    internal int Open => Volatile.Read(ref _open);

    internal void Opened() => Interlocked.Increment(ref _open);

    internal void Closed() => Interlocked.Decrement(ref _open);
}
