using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using Dapper;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>
/// The runs of one experiment in memory. Every search first takes over what has changed in the database since the last look:
/// runs that <c>run_changes</c> names are read again, points that are not folded yet are merged. So any number of instances may
/// write, and a search sees everything that was acknowledged before it. Searches that come while one looks share the next look.
/// </summary>
internal sealed class ExperimentIndex(string projectId, string experimentId, Database database, MetricSummaries summaries, TimeProvider time, int maxWeight) : IDisposable
{
    private const int RunsAtOnce = 500;

    // Well before changes are swept.
    private static readonly TimeSpan MaxIdle = RunChangeSweep.Kept / 2;

    private readonly ChangeReader _changes = new(database, experimentId);
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<string, RunDocument> _stored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunDocument> _current = new(StringComparer.Ordinal);
    private readonly Dictionary<long, FreshRow> _fresh = [];
    private HashSet<long> _seen = [];
    private ulong _oldestRunning;
    private long _lookedAt;
    private RunTable _table = new([]);
    private long _asked;
    private long _answered;

    /// <summary>Whether the runs have been read; until then searches go to the database.</summary>
    public bool IsLoaded { get; private set; }

    /// <summary>Whether the experiment takes more memory than one may.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>Entries in memory.</summary>
    public int Weight { get; private set; }

    /// <summary>Whether so much is not folded yet that a search in the database would wait long.</summary>
    public Task<bool> IsMuchFreshAsync(CancellationToken cancellationToken) => _changes.IsMuchFreshAsync(cancellationToken);

    /// <summary>Reads all runs, unless somebody just did.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (IsLoaded)
            {
                return;
            }

            Clear();
            _oldestRunning = await _changes.ReadOldestRunningAsync(cancellationToken);
            var ids = await ReadIdsAsync(cancellationToken);
            IsTooLarge = ids.Count > maxWeight / 8;
            foreach (var part in IsTooLarge ? [] : ids.Chunk(RunsAtOnce))
            {
                foreach (var run in await ReadAsync(part, cancellationToken))
                {
                    Store(run);
                }

                if (IsTooLarge |= Weight > maxWeight)
                {
                    break;
                }
            }

            if (IsTooLarge)
            {
                Clear();
                return;
            }

            _table = new RunTable([.. _current.Values]);
            _lookedAt = time.GetTimestamp();
            IsLoaded = true;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The runs with everything that was acknowledged before the call; null when they have not been read, or have to be read anew.</summary>
    public async ValueTask<RunTable?> CurrentAsync(CancellationToken cancellationToken)
    {
        if (!IsLoaded)
        {
            return null;
        }

        var ask = Interlocked.Increment(ref _asked);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (IsLoaded && _answered < ask)
            {
                var last = Interlocked.Read(ref _asked);
                if (time.GetElapsedTime(_lookedAt) > MaxIdle)
                {
                    Clear();
                }
                else
                {
                    await LookAsync(cancellationToken);
                    _answered = last;
                }
            }

            return IsLoaded ? _table : null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _gate.Dispose();

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var look = await _changes.ReadAsync(_oldestRunning, _fresh.Keys, cancellationToken);
        if (look.MustFold)
        {
            // What is fresh again after this was acknowledged after the searches that wait.
            await summaries.EnsureExperimentsAsync([experimentId], cancellationToken);
            look = await _changes.ReadAsync(_oldestRunning, _fresh.Keys, cancellationToken);
        }

        var changed = look.Changes.Where(change => !_seen.Contains(change.Id)).Select(change => change.RunId).ToHashSet(StringComparer.Ordinal);

        // In this order: what is folded now is in the summaries that are read then.
        var folded = await FoldedAsync(changed, cancellationToken);
        var stored = changed.Count == 0 ? [] : await ReadAsync([.. changed], cancellationToken);

        // From here on nothing can fail: a look is taken over as a whole.
        foreach (var run in changed)
        {
            Remove(run);
        }

        stored.ForEach(Store);
        folded.ForEach(id => _fresh.Remove(id));
        foreach (var (id, row) in look.Fresh)
        {
            _fresh.Add(id, row);
            changed.Add(row.RunId);
        }

        var fresh = _fresh.Values.Where(row => changed.Contains(row.RunId)).ToLookup(row => row.RunId, row => row.Latest, StringComparer.Ordinal);
        foreach (var run in changed)
        {
            Merge(run, fresh[run]);
        }

        (_seen, _oldestRunning, _lookedAt) = (look.Changes.Select(change => change.Id).ToHashSet(), look.OldestRunning, time.GetTimestamp());
        if (changed.Count > 0)
        {
            _table = new RunTable([.. _current.Values]);
        }

        if (Weight > maxWeight)
        {
            Clear();
            IsTooLarge = true;
        }
    }

    // Only folding takes rows out of what is fresh, and it changes the run. A run that goes on from an earlier step is folded here.
    private async Task<List<long>> FoldedAsync(HashSet<string> changed, CancellationToken cancellationToken)
    {
        var gone = await _changes.ReadGoneAsync([.. _fresh.Where(row => changed.Contains(row.Value.RunId))], cancellationToken);
        if (gone.FindAll(row => row.MustFold).Select(row => row.RunId).Distinct(StringComparer.Ordinal).ToArray() is { Length: > 0 } runs)
        {
            await summaries.EnsureAsync(runs, cancellationToken);
        }

        return gone.ConvertAll(row => row.LogId);
    }

    private async Task<List<string>> ReadIdsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT id FROM runs WHERE experiment_id = @experimentId AND project_id = @projectId AND purged_at IS NULL LIMIT @limit",
            new { experimentId, projectId, limit = (maxWeight / 8) + 1 },
            cancellationToken: cancellationToken))).AsList();
    }

    private async Task<List<RunDocument>> ReadAsync(string[] ids, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await RunDocuments.ReadAsync(connection, ids, cancellationToken);
    }

    private void Merge(string runId, IEnumerable<IReadOnlyList<LatestMetric>> fresh)
    {
        if (_stored.TryGetValue(runId, out var run))
        {
            var metrics = fresh.Aggregate(run.Metrics, LatestMetric.Merge);
            _current[runId] = ReferenceEquals(metrics, run.Metrics) ? run : run.With(metrics);
        }
    }

    private void Store(RunDocument run)
    {
        _stored[run.Id] = _current[run.Id] = run;
        Weight += run.Weight;
    }

    private void Remove(string runId)
    {
        _current.Remove(runId);
        if (_stored.Remove(runId, out var run))
        {
            Weight -= run.Weight;
        }
    }

    private void Clear()
    {
        _stored.Clear();
        _current.Clear();
        _fresh.Clear();
        _seen = [];
        _table = new RunTable([]);
        Weight = 0;
        IsLoaded = IsTooLarge = false;
    }
}
