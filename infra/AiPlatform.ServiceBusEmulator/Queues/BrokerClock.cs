using AiPlatform.Hosting;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>What happens by time alone: locks end, scheduled messages become due, ownership is proven.</summary>
internal sealed class BrokerClock(Broker broker, MessageWriter writer, TimeProvider time, ILogger<BrokerClock> logger) : BackgroundLoop(time, logger)
{
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortestNap = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestNap = TimeSpan.FromMilliseconds(500);

    private readonly TimeProvider _time = time;
    private long _lastHeartbeat;

    // As long as nothing can happen; what comes nearer meanwhile wakes the clock, and no lock is shorter than the longest nap.
    protected override TimeSpan IdleDelay
    {
        get
        {
            var left = broker.NextMoment() - _time.GetUtcNow().UtcDateTime;
            return left < ShortestNap ? ShortestNap : left > LongestNap ? LongestNap : left;
        }
    }

    /// <inheritdoc />
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        broker.DueSooner += Wake;
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override Task StopAsync(CancellationToken cancellationToken)
    {
        broker.DueSooner -= Wake;
        return base.StopAsync(cancellationToken);
    }

    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await broker.Started.WaitAsync(cancellationToken);
        foreach (var queue in broker.Catalog.Queues)
        {
            queue.ExpireLocks();
        }

        if (_lastHeartbeat == 0 || _time.GetElapsedTime(_lastHeartbeat) > HeartbeatInterval)
        {
            _lastHeartbeat = _time.GetTimestamp();
            _ = BeatAsync();
        }

        return await broker.EnqueueDueAsync(cancellationToken);
    }

    // Not awaited: while PostgreSQL is away the writer repeats it, and locks must go on ending.
    private async Task BeatAsync()
    {
        try
        {
            await writer.WriteAsync(new HeartbeatOperation());
        }
        catch (Exception exception) when (exception is OwnershipLostException or OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            // The writer stops the process by itself, or the process is stopping.
        }
    }
}
