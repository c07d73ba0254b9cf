using System.Collections.Concurrent;
using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// A thread of its own on which processes are looked at and ended. Where the runner may, it comes before everything that job code can start:
/// hundreds of busy processes, each in a session of its own, would leave an ordinary thread a few milliseconds of each second.
/// </summary>
internal static class WatchThread
{
    private const int RoundRobin = 2;
    private const int ResetOnFork = 0x4000_0000;
    private const int Capacity = 1_024;
    private static readonly BlockingCollection<Action> Work = new(Capacity);

    static WatchThread() => new Thread(Run) { IsBackground = true, Name = "job watch" }.Start();

    /// <summary>Does one bounded piece of work on the thread, after those that were there before.</summary>
    public static Task<T> RunAsync<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Add(() =>
        {
            try
            {
                result.SetResult(work());
            }
            catch (Exception exception)
            {
                result.SetException(exception);
            }
        });
        return result.Task;
    }

    private static void Run()
    {
        // Refused without CAP_SYS_NICE: then it is a thread like others.
        _ = NativeMethods.SetScheduler(0, RoundRobin | ResetOnFork, 1);
        foreach (var work in Work.GetConsumingEnumerable())
        {
            work();
        }
    }
}
