using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Metrics;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>The points of a log row that is not folded yet: the newest value of each series, ordered by key.</summary>
internal sealed record FreshRow(string RunId, IReadOnlyList<LatestMetric> Latest);

/// <summary>A log row that was fresh and is folded now, or has to be.</summary>
internal sealed record GoneRow(string RunId, long LogId, bool MustFold);

/// <summary>What has happened in an experiment.</summary>
/// <param name="Fresh">Log rows that are new, by id.</param>
/// <param name="MustFold">There are too many fresh rows, or some of runs that went on from an earlier step: those are left out.</param>
/// <param name="OldestRunning">From which transaction on the next look has to read changes.</param>
/// <param name="Changes">Changed runs; those of the look before may be among them, with the same id.</param>
internal sealed record Look(Dictionary<long, FreshRow> Fresh, bool MustFold, ulong OldestRunning, List<(long Id, string RunId)> Changes);

/// <summary>Reads what has changed in the runs of one experiment.</summary>
internal sealed class ChangeReader(Database database, string experimentId)
{
    private const int MaxFresh = 2_000;
    private const int MuchFresh = 64;
    private const string IsOfExperiment = "(SELECT r.experiment_id FROM runs r WHERE r.id = f.run_id) = $1";
    private const string OldestRunning = "SELECT pg_snapshot_xmin(pg_current_snapshot())";

    /// <summary>The oldest transaction that runs now: every change that is not visible yet has it or a younger one.</summary>
    public async Task<ulong> ReadOldestRunningAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(OldestRunning, connection);
        return (ulong)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Whether many log rows are fresh.</summary>
    public async Task<bool> IsMuchFreshAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand($"SELECT count(*) > {MuchFresh} FROM (SELECT 1 FROM metric_fresh f WHERE {IsOfExperiment} LIMIT {MuchFresh} + 1) few", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = experimentId } },
        };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Changes of a transaction and younger ones, and log rows that are fresh and not known, in one round trip.</summary>
    public async Task<Look> ReadAsync(ulong since, IReadOnlyCollection<long> known, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);

        // What is fresh first, then the oldest running transaction, then changes: what moves between two statements is seen twice, never missed.
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(
                    $"""
                    SELECT f.run_id, f.log_id, {FreshMetrics.MustFold}, {FreshMetrics.Payload} FROM metric_fresh f
                    WHERE f.log_id <> ALL($2) AND {IsOfExperiment} LIMIT {MaxFresh}
                    """)
                {
                    Parameters = { new NpgsqlParameter<string> { TypedValue = experimentId }, new NpgsqlParameter<long[]> { TypedValue = [.. known] } },
                },
                new NpgsqlBatchCommand(OldestRunning),
                new NpgsqlBatchCommand("SELECT id, run_id FROM run_changes WHERE experiment_id = $1 AND xid >= $2")
                {
                    Parameters = { new NpgsqlParameter<string> { TypedValue = experimentId }, new NpgsqlParameter<ulong> { TypedValue = since, NpgsqlDbType = NpgsqlDbType.Xid8 } },
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

            fresh.Add(reader.GetInt64(1), new FreshRow(reader.GetString(0), FreshMetrics.Latest(reader.GetFieldValue<byte[]>(3))));
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

        return new Look(fresh, mustFold || fresh.Count + known.Count >= MaxFresh, oldestRunning, changes);
    }

    /// <summary>Those of these log rows that are folded, or have to be because their run went on from an earlier step.</summary>
    public async Task<List<GoneRow>> ReadGoneAsync(IReadOnlyList<KeyValuePair<long, FreshRow>> known, CancellationToken cancellationToken)
    {
        if (known.Count == 0)
        {
            return [];
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<GoneRow>(new CommandDefinition(
            $"""
            SELECT k.run_id AS "RunId", k.log_id AS "LogId", f.log_id IS NOT NULL AS "MustFold"
            FROM unnest(@runs, @ids) AS k (run_id, log_id) LEFT JOIN metric_fresh f ON f.run_id = k.run_id AND f.log_id = k.log_id
            WHERE f.log_id IS NULL OR {FreshMetrics.MustFold}
            """,
            new { runs = known.Select(row => row.Value.RunId).ToArray(), ids = known.Select(row => row.Key).ToArray() },
            cancellationToken: cancellationToken))).AsList();
    }
}
