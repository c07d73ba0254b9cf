using AiPlatform.Hosting;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>Removes what its time has passed by where nobody looks: expired messages, remembered message ids, idle entities.</summary>
internal sealed class BrokerSweeper(Broker broker, MessageStore store, TimeProvider time, ILogger<BrokerSweeper> logger) : BackgroundLoop(time, logger)
{
    private readonly TimeProvider _time = time;

    protected override TimeSpan IdleDelay => TimeSpan.FromSeconds(1);

    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await broker.Started.WaitAsync(cancellationToken);
        var mayHaveMore = await broker.ExpireMessagesAsync(cancellationToken);
        await store.ForgetHistoryAsync(_time.GetUtcNow().UtcDateTime, cancellationToken);
        await broker.DeleteIdleAsync();
        return mayHaveMore;
    }
}
