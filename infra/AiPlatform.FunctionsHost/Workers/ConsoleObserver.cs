namespace AiPlatform.FunctionsHost.Workers;

/// <summary>Puts the worker's output on this process's own; the rest is in the log.</summary>
internal sealed class ConsoleObserver : IWorkerObserver
{
    /// <inheritdoc />
    public void Started(int processId)
    {
        // The log says so.
    }

    /// <inheritdoc />
    public void Ready()
    {
        // The log says so.
    }

    /// <inheritdoc />
    public void Ended(string reason, TimeSpan restartIn)
    {
        // The log says so.
    }

    /// <inheritdoc />
    public void Wrote(string line) => Console.WriteLine(line);
}
