using System.ComponentModel;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Report;
using AiPlatform.Hosting;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// Starts the ranks of a node, and starts again those that the machine refused only for now (<see cref="StartFailure"/>): a neighbour that
/// takes all processes of the account must not cost an innocent job its attempt.
/// </summary>
internal sealed class RankStarts
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly NodeServices _services;
    private readonly NodeKey _key;
    private readonly NodeDirectory _directory;
    private readonly Action<RankProcess> _note;
    private readonly ILogger _logger;
    private readonly List<Pending> _pending;
    private readonly Dictionary<int, (LaunchPlan Plan, int Attempts)> _started = [];

    /// <param name="note">Told of each process that is started, before anything is waited for.</param>
    public RankStarts(NodeServices services, NodeKey key, IReadOnlyList<LaunchPlan> plans, NodeDirectory directory, Action<RankProcess> note)
    {
        (_services, _key, _directory, _note) = (services, key, directory, note);
        _logger = services.Loggers.CreateLogger<RankStarts>();
        _pending = [.. plans.Select(static plan => new Pending(plan, 1, Task.CompletedTask))];
    }

    /// <summary>Whether some have not been started.</summary>
    public bool IsOpen => _pending.Count > 0;

    /// <summary>End when something can be started.</summary>
    public IEnumerable<Task> Waiting => _pending.Select(static pending => pending.Due);

    /// <summary>Starts those whose time has come.</summary>
    public IReadOnlyList<RankProcess> StartDue()
    {
        var ranks = new List<RankProcess>();
        foreach (var pending in _pending.Where(static pending => pending.Due.IsCompleted).ToList())
        {
            _pending.Remove(pending);
            try
            {
                var rank = RankProcess.Start(pending.Plan, new RankLog(_directory.LogFile(pending.Plan.Rank), _services.Options.LogLimitBytes));
                _started[rank.Rank] = (pending.Plan, pending.Attempts);
                _note(rank);
                ranks.Add(rank);
            }
            catch (Win32Exception exception) when (StartFailure.IsTemporary(exception) && pending.Attempts < _services.Options.StartAttempts)
            {
                Repeat(pending.Plan, pending.Attempts, exception.Message);
            }
        }

        return ranks;
    }

    /// <summary>Whether a rank that failed never began, and is started again.</summary>
    /// <param name="patience">How long the rest of its output is waited for.</param>
    public async Task<bool> TryAgainAsync(RankProcess rank, TimeSpan patience)
    {
        var (plan, attempts) = _started[rank.Rank];
        if (attempts >= _services.Options.StartAttempts)
        {
            return false;
        }

        await rank.FinishOutputAsync(patience, _services.Time).ConfigureAwait(false);
        var output = rank.Log.LastLines();
        if (!StartFailure.IsTemporary(await rank.Exited.ConfigureAwait(false), output))
        {
            return false;
        }

        await rank.Log.DisposeAsync().ConfigureAwait(false);
        rank.Dispose();
        Repeat(plan, attempts, output);
        return true;
    }

    private void Repeat(LaunchPlan plan, int attempts, string reason)
    {
        Logs.StartedAgain(_logger, _key, plan.Rank, reason);
        _pending.Add(new Pending(plan, attempts + 1, Task.Delay(BackOff.After(attempts, FirstPause, LongestPause), _services.Time)));
    }

    private sealed record Pending(LaunchPlan Plan, int Attempts, Task Due);
}
