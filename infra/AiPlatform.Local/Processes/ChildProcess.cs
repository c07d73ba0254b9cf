using System.Diagnostics;

namespace AiPlatform.Local.Processes;

/// <summary>A child process: its output goes to a bounded log, and it ends when this process does, however that happens.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task _output;

    private ChildProcess(ChildCommand command, Process process, BoundedLog log)
    {
        Command = command;
        Log = log;
        _process = process;
        Identity = ProcessIdentity.Of(process.Id);
        _output = Task.WhenAll(CopyAsync(process.StandardOutput, log), CopyAsync(process.StandardError, log));
    }

    /// <summary>What was started.</summary>
    public ChildCommand Command { get; }

    /// <summary>Where its output goes.</summary>
    public BoundedLog Log { get; }

    /// <summary>The process id; 0 once it has ended.</summary>
    public int Id => _process.HasExited ? 0 : _process.Id;

    /// <summary>Who it is, or null when it ended at once.</summary>
    public ProcessIdentity? Identity { get; }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>How it ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts the command.</summary>
    public static async Task<ChildProcess> StartAsync(ChildCommand command, BoundedLog log, CancellationToken cancellationToken)
        => new(command, await ForkThread.StartAsync(command.ToStartInfo(), cancellationToken).ConfigureAwait(false), log);

    /// <summary>Ends when the process has ended and its output has been written.</summary>
    public async Task WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);

        // A grandchild may hold the pipe open: the output is not waited for longer than this.
        await Task.WhenAny(_output, Task.Delay(500, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Asks the process to end, and kills it with its descendants when it has not ended within <paramref name="patience"/>.</summary>
    public Task StopAsync(TimeSpan patience) => Signals.EndAsync(_process, Command.StopSignal, patience);

    public void Dispose() => _process.Dispose();

    private static async Task CopyAsync(StreamReader reader, BoundedLog log)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            log.Write(line);
        }
    }
}
