using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Azure.Messaging.ServiceBus;
using Prometheus;

namespace AiPlatform.Compute.Queues;

/// <summary>
/// Releases tasks to the broker. The decision is committed before anything is sent; a message that is lost in between is made good
/// by the lease of the release. Any number of instances may run this: rounds take turns.
/// </summary>
internal sealed partial class TaskDispatcher(
    Database database, DispatchRound round, DependencySettler settler, TaskBus bus, StartupState state, TimeProvider time, ILogger<TaskDispatcher> logger)
    : BackgroundLoop(time, logger), IDueWork, ITickTask
{
    private const int MaxBatch = 500;

    private static readonly TimeSpan LongestIdle = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LockedPause = TimeSpan.FromMilliseconds(20);
    private static readonly Counter Released = Metrics.CreateCounter("aiplatform_tasks_released_total", "Tasks released to the broker.", "queue");

    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;
    private DateTimeOffset? _nextDue;

    /// <inheritdoc />
    public string DueCondition => """
        EXISTS (SELECT 1 FROM queue_tasks WHERE unsettled) OR EXISTS (SELECT 1 FROM queue_tasks WHERE status = 'ready')
        OR EXISTS (SELECT 1 FROM queue_tasks WHERE status = 'scheduled' AND ready_at <= @now)
        """;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay
        => _nextDue is { } due ? TimeSpan.FromMilliseconds(Math.Clamp((due - _time.GetUtcNow()).TotalMilliseconds, 1, LongestIdle.TotalMilliseconds)) : LongestIdle;

    /// <summary>Looks at each tick: on a plan that scales to zero the loop itself may not be running.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        Wake();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await state.WaitAsync(cancellationToken);
        if (!bus.IsConfigured)
        {
            return false;
        }

        var (settled, result) = await database.InWorkAsync(SettleAndReleaseAsync, cancellationToken);

        // Somebody else had the rows of all ended tasks locked: nobody wakes this loop for them again.
        _nextDue = result.Unsettled && !settled ? _time.GetUtcNow() + LockedPause : result.NextDue;
        foreach (var queue in result.Released.GroupBy(static task => task.Queue, static task => task.Message))
        {
            foreach (var batch in queue.Chunk(MaxBatch))
            {
                await SendAsync(queue.Key, batch, cancellationToken);
            }
        }

        return (settled && result.Unsettled) || result.More;
    }

    // In one transaction: what may run because its last dependency ended is released in the same round.
    private async Task<(bool Settled, RoundResult Round)> SettleAndReleaseAsync(UnitOfWork work)
    {
        await DispatchStore.LockAsync(work);
        return (await settler.SettleAsync(work), await round.RunAsync(work));
    }

    private async Task SendAsync(string queue, TaskMessage[] tasks, CancellationToken cancellationToken)
    {
        try
        {
            await bus.Sender(queue).SendMessagesAsync(
                tasks.Select(static task => new ServiceBusMessage(BinaryData.FromBytes(JsonSerializer.SerializeToUtf8Bytes(task, ContractsJson.Strict)))
                {
                    MessageId = $"{task.TaskId}-{task.Fence}",
                }),
                cancellationToken);
            Released.WithLabels(queue).Inc(tasks.Length);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Some may have arrived all the same: their fence is an old one then, and a claim with it is refused.
            LogNotSent(_logger, queue, tasks.Length, exception.Message);
            await database.InWorkAsync(work => DispatchStore.ReturnAsync(work, tasks), CancellationToken.None);
            throw;
        }
    }

    [LoggerMessage(800, LogLevel.Warning, "{Count} tasks could not be sent to {Queue} and go back in line: {Reason}")]
    private static partial void LogNotSent(ILogger logger, string queue, int count, string reason);
}
