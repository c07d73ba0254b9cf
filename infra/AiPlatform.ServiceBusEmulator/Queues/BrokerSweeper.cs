using AiPlatform.Hosting;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>Removes what its time has passed by where nobody looks: expired messages, remembered message ids, idle entities.</summary>
internal sealed class BrokerSweeper(Broker broker, MessageStore store, TimeProvider time, ILogger<BrokerSweeper> logger) : BackgroundLoop(time, logger)
{
    // Only to bound the table: an id is compared with the time until which it counts.
    private static readonly TimeSpan ForgetInterval = TimeSpan.FromSeconds(30);

    private readonly TimeProvider _time = time;
    private long _forgotten;

    protected override TimeSpan IdleDelay => TimeSpan.FromSeconds(1);

    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await broker.Started.WaitAsync(cancellationToken);
        var mayHaveMore = await broker.ExpireMessagesAsync(cancellationToken);
        if (_forgotten == 0 || _time.GetElapsedTime(_forgotten) > ForgetInterval)
        {
            await store.ForgetHistoryAsync(_time.GetUtcNow().UtcDateTime, cancellationToken);
            _forgotten = _time.GetTimestamp();
        }

        await broker.DeleteIdleAsync();
        return mayHaveMore;
    }
}
