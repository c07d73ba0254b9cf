namespace AiPlatform.FunctionsHost.Rpc;

/// <summary>Writes what workers report to the host's log, under the category that they name.</summary>
internal sealed class WorkerLog(ILoggerFactory loggers)
{
    private readonly ILogger _other = loggers.CreateLogger("Worker");

    /// <summary>Writes one line.</summary>
    public void Write(RpcLog log)
    {
        var level = log.Level <= RpcLog.Types.Level.None ? (LogLevel)log.Level : LogLevel.Information;
        if (!_other.IsEnabled(level))
        {
            return;
        }

        var exception = log.Exception is { } failure ? $"\n{failure.Type}: {failure.Message}\n{failure.StackTrace}" : string.Empty;
        _other.Log(level, "{Category}: {Message}{Exception}", log.Category, log.Message, exception);
    }
}
