using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Tick;

/// <summary>Runs every task of the <c>tick</c> timer; one that fails does not keep the others from running.</summary>
public sealed partial class TickRunner(IEnumerable<ITickTask> tasks, ILogger<TickRunner> logger)
{
    /// <summary>Does one round.</summary>
    /// <exception cref="InvalidOperationException">A task failed; the host shows the invocation as failed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = new List<Exception>();
        foreach (var task in tasks)
        {
            try
            {
                await task.RunAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                LogFailed(logger, exception, task.GetType().Name);
                failures.Add(exception);
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    [LoggerMessage(300, LogLevel.Error, "The tick task {Task} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string task);
}
