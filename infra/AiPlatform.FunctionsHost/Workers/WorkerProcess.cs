using System.Diagnostics;

namespace AiPlatform.FunctionsHost.Workers;

/// <summary>The process of a worker. It dies with this one, however that ends, and all it started with it.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task _output;

    private WorkerProcess(Process process, IWorkerObserver observer)
    {
        _process = process;
        _output = Task.WhenAll(CopyAsync(process.StandardOutput, observer), CopyAsync(process.StandardError, observer));
        process.StandardInput.Close();
    }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>How it ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts the command.</summary>
    public static async Task<WorkerProcess> StartAsync(ChildCommand command, IWorkerObserver observer, CancellationToken cancellationToken)
        => new(await ForkThread.StartAsync(command.ToStartInfo(), cancellationToken), observer);

    /// <summary>Ends when the process has ended and what it wrote has been read.</summary>
    public async Task WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);

        // A grandchild may hold the pipe open: the output is not waited for longer than this.
        await Task.WhenAny(_output, Task.Delay(500, cancellationToken));
    }

    /// <summary>Gives the process time to end by itself, then asks it to, then kills it with its descendants.</summary>
    public async Task EndAsync(TimeSpan patience)
    {
        try
        {
            await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            await Signals.EndAsync(_process, Signals.Terminate, TimeSpan.FromSeconds(2));
        }
    }

    /// <summary>Kills the process with its descendants.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _process.Dispose();

    private static async Task CopyAsync(StreamReader reader, IWorkerObserver observer)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            observer.Wrote(line);
        }
    }
}
