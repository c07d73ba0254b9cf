using System.Collections.Concurrent;
using System.Diagnostics;

namespace AiPlatform.Hosting.Processes;

/// <summary>
/// Starts child processes from one thread that lives as long as this process. The kernel sends the parent-death signal
/// when the thread that forked ends, not when the process does: a child started from a pool thread would be killed as
/// soon as the pool shrinks.
/// </summary>
public static class ForkThread
{
    private static readonly BlockingCollection<Action> Requests = new(boundedCapacity: 64);

    static ForkThread() => new Thread(Serve) { IsBackground = true, Name = "fork" }.Start();

    /// <summary>Starts a process and returns it.</summary>
    public static Task<Process> StartAsync(ProcessStartInfo start, CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Requests.Add(
            () =>
            {
                try
                {
                    started.SetResult(Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start."));
                }
                catch (Exception exception)
                {
                    started.SetException(exception);
                }
            },
            cancellationToken);
        return started.Task;
    }

    private static void Serve()
    {
        foreach (var request in Requests.GetConsumingEnumerable())
        {
            request();
        }
    }
}
