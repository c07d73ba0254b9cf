using AiPlatform.Hosting;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Tracking.Metrics;

/// <summary>
/// Appends batches of points of all runs to the log in groups: one transaction for a group. A point that its source
/// numbered is stored once: the source's row says which sequences it has sent, and is locked while it changes. Nothing of
/// a series is held in memory, so that any number of instances may write the same run.
/// </summary>
internal sealed class MetricWriter : IAsyncDisposable
{
    private const int MaxGroup = 256;
    private const int MaxWaiting = 1_024;

    private readonly Database _database;
    private readonly MetricSummaries _summaries;
    private readonly MetricFolder _folder;
    private readonly IJobs _jobs;
    private readonly GroupCommitWriter<MetricBatch> _writer;

    public MetricWriter(Database database, MetricSummaries summaries, MetricFolder folder, IJobs jobs)
    {
        (_database, _summaries, _folder, _jobs) = (database, summaries, folder, jobs);
        _writer = new GroupCommitWriter<MetricBatch>(WriteAsync, MaxGroup, MaxWaiting);
    }

    /// <summary>Ends when the batch is durable; the batch then says what was new.</summary>
    /// <exception cref="ApiException">404: the run was deleted meanwhile.</exception>
    public async Task AddAsync(MetricBatch batch, CancellationToken cancellationToken)
    {
        await _writer.AddAsync(batch, cancellationToken);
        if (batch.Failure is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>
    /// Records that an attempt goes on after <paramref name="step"/> and puts points of earlier attempts with a larger
    /// step outside the default view. Repeating it changes nothing.
    /// </summary>
    public Task ResumeAsync(string runId, int attempt, long step, CancellationToken cancellationToken)
        => _database.InWorkAsync(
            async work =>
            {
                await _summaries.ResumeAsync(work, new ResumeRow(runId, attempt, step), isExplicit: true);
                await _jobs.ResumeAsync(work, runId, attempt, step);
            },
            cancellationToken);

    public ValueTask DisposeAsync() => _writer.DisposeAsync();

    private async Task WriteAsync(IReadOnlyList<MetricBatch> group, CancellationToken cancellationToken)
    {
        if (group.All(batch => batch is { Source: null, Attempt: <= 1 }))
        {
            await WritePlainAsync(group, cancellationToken);
        }
        else
        {
            await _database.InWorkAsync(work => WriteAsync(work, group), cancellationToken);
        }

        _folder.Wake();
    }

    // Nothing to look at before: what MLflow clients send all day is one statement and a commit. Equal points of theirs are one.
    private async Task WritePlainAsync(IReadOnlyList<MetricBatch> group, CancellationToken cancellationToken)
    {
        var rows = new LogRows(group.Count);
        foreach (var batch in group)
        {
            Add(batch, [], rows);
        }

        var runs = await _database.InOneStatementAsync(connection => rows.InsertFreshOfLiveRunsAsync(connection, cancellationToken), cancellationToken);
        foreach (var batch in group)
        {
            batch.Failure = runs.Contains(batch.RunId) ? null : ApiException.NotFound("run", batch.RunId);
        }
    }

    private async Task WriteAsync(UnitOfWork work, IReadOnlyList<MetricBatch> group)
    {
        var runs = group.Select(batch => batch.RunId).Distinct(StringComparer.Ordinal).ToArray();
        var present = (await work.QueryAsync<string>("SELECT id FROM runs WHERE id = ANY(@runs) AND deleted_at IS NULL", new { runs })).ToHashSet(StringComparer.Ordinal);
        var live = new List<MetricBatch>(group.Count);
        foreach (var batch in group)
        {
            batch.Failure = present.Contains(batch.RunId) ? null : ApiException.NotFound("run", batch.RunId);
            if (batch.Failure is null)
            {
                live.Add(batch);
            }
        }

        await BeginAttemptsAsync(work, live);
        var rows = new LogRows(live.Count);
        var sources = await LockSourcesAsync(work, live);
        foreach (var batch in live)
        {
            Add(batch, sources, rows);
        }

        await SaveSourcesAsync(work, sources);
        await rows.InsertFreshAsync(work);
    }

    private static void Add(MetricBatch batch, Dictionary<MetricSource, SequenceSet> sources, LogRows rows)
    {
        var payload = batch.Payload;
        batch.Stored = batch.Count;
        if (batch.Source is { } source)
        {
            try
            {
                var added = sources[source].Add(batch.FirstSequence, batch.Count);
                batch.Stored = (int)added.Sum(range => range.Last - range.First + 1);
                batch.NextSequence = sources[source].Next;
                payload = batch.PayloadOf(added);
            }
            catch (ApiException refused)
            {
                batch.Failure = refused;
                return;
            }
        }

        if (batch.Stored > 0)
        {
            rows.Add(batch.RunId, MetricLane.Of(batch.Attempt, batch.Source is not null), batch.Stored, payload);
        }
    }

    // Training that resumes says so before its first point: an attempt after the first that said nothing began anew.
    private async Task BeginAttemptsAsync(UnitOfWork work, List<MetricBatch> batches)
    {
        foreach (var (runId, attempt) in batches.Where(batch => batch.Attempt > 1 && batch.Source is not { IsSystem: true }).Select(batch => (batch.RunId, batch.Attempt)).Distinct().Order())
        {
            if (await work.FindAsync<int?>("SELECT 1 FROM run_resumes WHERE run_id = @runId AND attempt = @attempt", new { runId, attempt }) is null)
            {
                await _summaries.ResumeAsync(work, new ResumeRow(runId, attempt, long.MinValue), isExplicit: false);
            }
        }
    }

    private static async Task<Dictionary<MetricSource, SequenceSet>> LockSourcesAsync(UnitOfWork work, List<MetricBatch> batches)
    {
        var sources = new Dictionary<MetricSource, SequenceSet>();
        var wanted = batches.Select(batch => batch.Source).OfType<MetricSource>().Distinct()
            .OrderBy(source => source.RunId, StringComparer.Ordinal).ThenBy(source => source.Attempt).ThenBy(source => source.Source, StringComparer.Ordinal).ToList();
        if (wanted.Count == 0)
        {
            return sources;
        }

        await using var command = new NpgsqlCommand(
            """
            INSERT INTO metric_sources (run_id, attempt, source) SELECT * FROM unnest(@runs, @attempts, @sources) ON CONFLICT DO NOTHING;
            SELECT s.run_id, s.attempt, s.source, s.received FROM unnest(@runs, @attempts, @sources) AS w (run_id, attempt, source)
            JOIN metric_sources s USING (run_id, attempt, source) ORDER BY s.run_id, s.attempt, s.source FOR UPDATE OF s
            """,
            work.Connection,
            work.Transaction);
        AddKeys(command, wanted);
        await using var reader = await command.ExecuteReaderAsync(work.Token);
        while (await reader.ReadAsync(work.Token))
        {
            sources.Add(
                new MetricSource(reader.GetString(0), reader.GetInt32(1), reader.GetString(2)), new SequenceSet(await reader.GetFieldValueAsync<NpgsqlRange<long>[]>(3, work.Token)));
        }

        return sources;
    }

    private static async Task SaveSourcesAsync(UnitOfWork work, Dictionary<MetricSource, SequenceSet> sources)
    {
        if (sources.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(work.Connection, work.Transaction);
        foreach (var (source, sequences) in sources)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE metric_sources SET received = $1 WHERE run_id = $2 AND attempt = $3 AND source = $4")
            {
                Parameters =
                {
                    new NpgsqlParameter { Value = sequences.ToRanges(), NpgsqlDbType = NpgsqlDbType.BigIntMultirange },
                    new NpgsqlParameter<string> { TypedValue = source.RunId },
                    new NpgsqlParameter<int> { TypedValue = source.Attempt },
                    new NpgsqlParameter<string> { TypedValue = source.Source },
                },
            });
        }

        await batch.ExecuteNonQueryAsync(work.Token);
    }

    private static void AddKeys(NpgsqlCommand command, List<MetricSource> sources)
    {
        command.Parameters.AddWithValue("runs", sources.ConvertAll(source => source.RunId).ToArray());
        command.Parameters.AddWithValue("attempts", sources.ConvertAll(source => source.Attempt).ToArray());
        command.Parameters.AddWithValue("sources", sources.ConvertAll(source => source.Source).ToArray());
    }
}
