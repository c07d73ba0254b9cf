using Microsoft.Extensions.Logging;

namespace AiPlatform.Local.Processes;

/// <summary>Puts the log of a server in this process beside the output of its child.</summary>
internal sealed class BoundedLogProvider(BoundedLog log) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Lines(log, categoryName);

    public void Dispose()
    {
        // The log is its owner's.
    }

    private sealed class Lines(BoundedLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => log.Write($"{logLevel}: {category}[{eventId.Id}] {formatter(state, exception)}{(exception is null ? "" : $"\n{exception}")}");
    }
}
