using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Keeps the first errors that an app logs, for the message of a test that fails.</summary>
internal sealed class ErrorLog : ILoggerProvider
{
    private const int MaxLines = 50;

    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new KeptLog(this, categoryName);

    public void Dispose()
    {
        // Nothing is held.
    }

    private sealed class KeptLog(ErrorLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel) && log._lines.Count < MaxLines)
            {
                log._lines.Enqueue($"{category}: {formatter(state, exception)} {exception}");
            }
        }
    }
}
