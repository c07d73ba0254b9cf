using AiPlatform.Functions.Features.Experiments.Metrics;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.MLflow.Tracking;
using Dapper;
using Npgsql;

namespace AiPlatform.Functions.MLflow.Search.Index;

/// <summary>
/// The runs of one experiment in memory. Every search first takes over what has changed in the database since the last look:
/// runs that <c>run_changes</c> names are read again, points that are not folded yet are merged. So any number of instances may
/// write, and a search sees everything that was acknowledged before it. Searches that come while one looks share the next look.
/// </summary>
internal sealed class ExperimentIndex(string projectId, string experimentId, Database database, MetricSummaries summaries, TimeProvider time, int maxWeight) : IDisposable
{
    private const string OldestRunning = "SELECT pg_snapshot_xmin(pg_current_snapshot())";
    private const int RunsAtOnce = 500;
    private const int MaxFresh = 2_000;

    // Well before changes are swept.
    private static readonly TimeSpan MaxIdle = RetentionSweep.RunChanges / 2;

    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<string, RunDocument> _stored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunDocument> _current = new(StringComparer.Ordinal);
    private readonly Dictionary<long, FreshRow> _fresh = [];
    private HashSet<long> _seen = [];
    private ulong _oldestRunning;
    private long _lookedAt;
    private RunDocument[] _runs = [];
    private long _asked;
    private long _answered;

    /// <summary>Whether the runs have been read; until then searches go to the database.</summary>
    public bool IsLoaded { get; private set; }

    /// <summary>Whether the experiment takes more memory than one may.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>Entries in memory.</summary>
    public int Weight { get; private set; }

    /// <summary>Reads all runs.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Clear();
            await using var connection = await database.OpenAsync(cancellationToken);
            _oldestRunning = await ReadOldestRunningAsync(connection, cancellationToken);
            var ids = (await connection.QueryAsync<string>(new CommandDefinition(
                "SELECT id FROM runs WHERE experiment_id = @experimentId AND project_id = @projectId AND purged_at IS NULL LIMIT @limit",
                new { experimentId, projectId, limit = (maxWeight / 8) + 1 },
                cancellationToken: cancellationToken))).AsList();
            IsTooLarge = ids.Count > maxWeight / 8;
            foreach (var part in IsTooLarge ? [] : ids.Chunk(RunsAtOnce))
            {
                foreach (var run in await RunDocuments.ReadAsync(connection, part, cancellationToken))
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

            _runs = [.. _current.Values];
            _lookedAt = time.GetTimestamp();
            IsLoaded = true;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The runs with everything that was acknowledged before the call; null when they have to be read anew.</summary>
    public async ValueTask<RunDocument[]?> CurrentAsync(CancellationToken cancellationToken)
    {
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

            return IsLoaded ? _runs : null;
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
        await using var connection = await database.OpenAsync(cancellationToken);
        var look = await ReadAsync(connection, cancellationToken);
        if (look.MustFold)
        {
            // What is fresh again after this was acknowledged after the searches that wait.
            await summaries.EnsureExperimentsAsync([experimentId], cancellationToken);
            look = await ReadAsync(connection, cancellationToken);
        }

        var changed = look.Changes.Where(change => !_seen.Contains(change.Id)).Select(change => change.RunId).ToHashSet(StringComparer.Ordinal);
        var stored = changed.Count == 0 ? [] : await RunDocuments.ReadAsync(connection, [.. changed], cancellationToken);

        // From here on nothing can fail: a look is taken over as a whole.
        foreach (var run in changed)
        {
            Remove(run);
        }

        stored.ForEach(Store);
        changed.UnionWith(TakeOver(look.Fresh));
        foreach (var run in changed)
        {
            Merge(run);
        }

        (_seen, _oldestRunning, _lookedAt) = (look.Changes.Select(change => change.Id).ToHashSet(), look.OldestRunning, time.GetTimestamp());
        if (changed.Count > 0)
        {
            _runs = [.. _current.Values];
        }

        if (Weight > maxWeight)
        {
            Clear();
            IsTooLarge = true;
        }
    }

    // What is fresh first, then the oldest running transaction, then changes: what moves between two statements is seen twice, never missed.
    private async Task<Look> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(
                    $"""
                    SELECT f.run_id, f.log_id, {FreshMetrics.MustFold}, CASE WHEN f.log_id <> ALL($2) THEN {FreshMetrics.Payload} END FROM metric_fresh f
                    WHERE (SELECT r.experiment_id FROM runs r WHERE r.id = f.run_id) = $1 LIMIT {MaxFresh}
                    """)
                {
                    Parameters = { new NpgsqlParameter<string> { TypedValue = experimentId }, new NpgsqlParameter<long[]> { TypedValue = [.. _fresh.Keys] } },
                },
                new NpgsqlBatchCommand(OldestRunning),
                new NpgsqlBatchCommand("SELECT id, run_id FROM run_changes WHERE experiment_id = $1 AND xid >= $2")
                {
                    Parameters = { new NpgsqlParameter<string> { TypedValue = experimentId }, new NpgsqlParameter<ulong> { TypedValue = _oldestRunning, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid8 } },
                },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var fresh = new Dictionary<long, FreshRow>();
        var mustFold = false;
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetBoolean(2))
            {
                mustFold = true;
                continue;
            }

            var id = reader.GetInt64(1);
            fresh.Add(id, await reader.IsDBNullAsync(3, cancellationToken) ? _fresh[id] : new FreshRow(reader.GetString(0), FreshMetrics.Latest(reader.GetFieldValue<byte[]>(3))));
        }

        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var oldestRunning = reader.GetFieldValue<ulong>(0);
        await reader.NextResultAsync(cancellationToken);
        var changes = new List<(long Id, string RunId)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            changes.Add((reader.GetInt64(0), reader.GetString(1)));
        }

        return new Look(fresh, mustFold || fresh.Count >= MaxFresh, oldestRunning, changes);
    }

    // Answers the runs whose fresh rows are others now.
    private HashSet<string> TakeOver(Dictionary<long, FreshRow> fresh)
    {
        var runs = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (id, row) in _fresh.Where(row => !fresh.ContainsKey(row.Key)).ToList())
        {
            _fresh.Remove(id);
            runs.Add(row.RunId);
        }

        foreach (var (id, row) in fresh)
        {
            if (_fresh.TryAdd(id, row))
            {
                runs.Add(row.RunId);
            }
        }

        return runs;
    }

    private void Merge(string runId)
    {
        if (!_stored.TryGetValue(runId, out var run))
        {
            return;
        }

        var metrics = run.Metrics;
        foreach (var row in _fresh.Values.Where(row => row.RunId == runId))
        {
            metrics = LatestMetric.Merge(metrics, row.Latest);
        }

        _current[runId] = ReferenceEquals(metrics, run.Metrics) ? run : run.With(metrics);
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
        _runs = [];
        Weight = 0;
        IsLoaded = IsTooLarge = false;
    }

    private static async Task<ulong> ReadOldestRunningAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(OldestRunning, connection);
        return (ulong)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private sealed record FreshRow(string RunId, IReadOnlyList<LatestMetric> Latest);

    private sealed record Look(Dictionary<long, FreshRow> Fresh, bool MustFold, ulong OldestRunning, List<(long Id, string RunId)> Changes);
}
