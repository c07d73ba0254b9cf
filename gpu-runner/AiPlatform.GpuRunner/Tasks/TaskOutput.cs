using AiPlatform.Client;
using AiPlatform.Contracts.Queues;
using AiPlatform.GpuRunner.Report;

namespace AiPlatform.GpuRunner.Tasks;

/// <summary>Shows the platform what an attempt writes: now and then while it runs, and the end of it before the attempt is reported.</summary>
internal sealed class TaskOutput(TaskAssignment assignment, RankLog log, AiPlatformClient client, TimeProvider time, ILogger logger)
{
    // An attempt never fails for its output, nor waits for long: the result is worth more.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    private long _sent;
    private DateTimeOffset _next = time.GetUtcNow();

    /// <summary>Sends what there is when something is new and the last time is long enough ago.</summary>
    public Task ShowAsync(CancellationToken cancellationToken) => time.GetUtcNow() < _next ? Task.CompletedTask : SendAsync(cancellationToken);

    /// <summary>Sends the end.</summary>
    public Task FinishAsync() => SendAsync(CancellationToken.None);

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        var written = log.Written;
        _next = time.GetUtcNow() + Interval;
        if (written == _sent)
        {
            return;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await client.PutTaskLogAsync(assignment.TaskId, assignment.Fence, log.End(TaskLogRule.MaxBytes), patience.Token).ConfigureAwait(false);
            _sent = written;
        }
        catch (Exception exception) when (exception is ApiException or HttpRequestException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Logs.OutputNotSent(logger, assignment.TaskId, assignment.Attempt, exception.Message);
        }
    }
}
