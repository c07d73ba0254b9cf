using System.Collections.Concurrent;
using System.Diagnostics;
using AiPlatform.GpuRunner.Report;
using AiPlatform.Hosting.Telemetry;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>What to start for a rank: an argument list and a complete environment, nothing inherited.</summary>
/// <param name="Node">The node, or the task, that it belongs to.</param>
/// <param name="Rank">In the whole gang.</param>
internal sealed record LaunchPlan(string Node, int Rank, string WorkingDirectory, IReadOnlyList<string> Command, IReadOnlyDictionary<string, string> Environment);

/// <summary>A rank: a process in its own session whose output goes to a log.</summary>
internal sealed class RankProcess : IDisposable
{
    // Where training code finds the trace that it belongs to, by the convention of OpenTelemetry's SDKs.
    private const string Traceparent = "TRACEPARENT";

    private static readonly ConcurrentDictionary<int, string> Own = new();

    /// <summary>Held while a process is started, so that no look at the children sees one that is not known yet.</summary>
    public static readonly Lock StartGate = new();

    private readonly Process _process;
    private readonly Activity? _span;
    private readonly Task _output;

    private RankProcess(int rank, Process process, RankLog log, ProcessEntry entry, Activity? span)
    {
        (Rank, _process, Log, Entry, _span) = (rank, process, log, entry, span);
        _output = Task.WhenAll(
            log.CaptureAsync(process.StandardOutput.BaseStream, isError: false),
            log.CaptureAsync(process.StandardError.BaseStream, isError: true));
        Exited = WaitAsync();
    }

    /// <summary>The rank in the whole gang.</summary>
    public int Rank { get; }

    /// <summary>The session's leader.</summary>
    public ProcessEntry Entry { get; }

    /// <summary>Where its output goes.</summary>
    public RankLog Log { get; }

    /// <summary>Ends with the exit code; 128 + n after signal n.</summary>
    public Task<int> Exited { get; }

    /// <summary>Whether this process started that one itself.</summary>
    public static bool IsOwn(int processId) => Own.ContainsKey(processId);

    /// <summary>The node of a process that this process started itself; null for any other.</summary>
    public static string? NodeOf(int processId) => Own.GetValueOrDefault(processId);

    /// <summary>The nodes of the processes that this process started itself and that have not ended.</summary>
    public static IReadOnlyCollection<string> Nodes => [.. Own.Values.Distinct(StringComparer.Ordinal)];

    /// <summary>Those of a node.</summary>
    public static IReadOnlyList<int> IdsOf(string node) => [.. Own.Where(pair => pair.Value == node).Select(static pair => pair.Key)];

    /// <summary>Starts a rank.</summary>
    public static RankProcess Start(LaunchPlan plan, RankLog log)
    {
        var start = new ProcessStartInfo(plan.Command[0])
        {
            WorkingDirectory = plan.WorkingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        foreach (var argument in plan.Command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        foreach (var (name, value) in plan.Environment)
        {
            start.Environment[name] = value;
        }

        var span = StartSpan(plan);
        if (span is not null)
        {
            start.Environment[Traceparent] = span.Id;
        }

        var process = new Process { StartInfo = start };
        try
        {
            lock (StartGate)
            {
                process.Start();
                Own[process.Id] = plan.Node;
            }
        }
        catch (Exception exception)
        {
            span?.SetStatus(ActivityStatusCode.Error, exception.Message).Stop();
            process.Dispose();
            throw;
        }

        process.StandardInput.Close();
        return new RankProcess(plan.Rank, process, log, ProcessTree.Read(process.Id) ?? default, span);
    }

    /// <summary>
    /// Waits for the last output. A descendant that escaped could hold the pipes open, so there is a deadline; the pipes are closed then.
    /// </summary>
    public async Task FinishOutputAsync(TimeSpan deadline, TimeProvider time)
    {
        try
        {
            await _output.WaitAsync(deadline, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _process.StandardOutput.Close();
            _process.StandardError.Close();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _process.Dispose();

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);
        Own.TryRemove(_process.Id, out _);
        var code = _process.ExitCode;
        _span?.SetTag("process.exit.code", code).SetStatus(code == 0 ? ActivityStatusCode.Ok : ActivityStatusCode.Error).Stop();
        return code;
    }

    // Ranks run beside each other: none is the parent of the next, so the span is not the current one of who starts it.
    private static Activity? StartSpan(LaunchPlan plan)
    {
        var current = Activity.Current;
        var span = Traces.Start("job.rank", ActivityKind.Internal, plan.Environment.GetValueOrDefault(Traceparent));
        Activity.Current = current;
        return span?.SetTag("aiplatform.process.node", plan.Node).SetTag("aiplatform.job.rank", plan.Rank);
    }
}
