namespace AiPlatform.FunctionsHost.Workers;

/// <summary>Gets what happens to the worker process. Calls come one after another, except <see cref="Wrote"/>.</summary>
public interface IWorkerObserver
{
    /// <summary>A process was started.</summary>
    void Started(int processId);

    /// <summary>It has loaded its functions.</summary>
    void Ready();

    /// <summary>It ended, or could not be made ready; it is started again after a while.</summary>
    /// <param name="reason">How it ended, in one line.</param>
    /// <param name="restartIn">The pause before the next start.</param>
    void Ended(string reason, TimeSpan restartIn);

    /// <summary>It wrote a line to its output.</summary>
    void Wrote(string line);
}
