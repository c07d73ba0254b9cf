using AiPlatform.Functions.Infrastructure;
using AiPlatform.Hosting;
using Npgsql;

namespace AiPlatform.Functions.Features.Experiments;

/// <summary>
/// Writes metric points of all runs in groups: one transaction, one insert. A point that is already stored under its
/// (run, attempt, source, sequence) changes nothing, so that every batch may be sent again. The runs' rows are locked
/// while it writes, so that several instances, late points and resumes cannot miss each other.
/// </summary>
internal sealed class MetricWriter : IAsyncDisposable
{
    private const int MaxGroup = 128;
    private const int MaxWaiting = 1_024;

    private readonly Database _database;
    private readonly EventStream _events;
    private readonly TimeProvider _time;
    private readonly GroupCommitWriter<MetricBatch> _writer;

    public MetricWriter(Database database, EventStream events, TimeProvider time)
    {
        _database = database;
        _events = events;
        _time = time;
        _writer = new GroupCommitWriter<MetricBatch>(WriteAsync, MaxGroup, MaxWaiting);
    }

    /// <summary>Ends when the batch is durable; the batch then says what was new.</summary>
    /// <exception cref="ApiException">404: the run was deleted meanwhile.</exception>
    public async Task AddAsync(MetricBatch batch, CancellationToken cancellationToken)
    {
        await _writer.AddAsync(batch, cancellationToken);
        if (batch.RunMissing)
        {
            throw ApiException.NotFound("run", batch.RunId);
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
                await LockAsync(work, [runId]);
                await RecordResumeAsync(work, new ResumeRow(runId, attempt, step), isExplicit: true);
                await work.ExecuteAsync(
                    "UPDATE job_attempts a SET resume_step = @step FROM jobs j WHERE j.run_id = @runId AND a.job_id = j.id AND a.attempt = @attempt",
                    new { runId, attempt, step });
            },
            cancellationToken);

    public ValueTask DisposeAsync() => _writer.DisposeAsync();

    private Task WriteAsync(IReadOnlyList<MetricBatch> group, CancellationToken cancellationToken)
        => _database.InWorkAsync(
            async work =>
            {
                var runs = group.Select(batch => batch.RunId).Distinct().ToArray();
                var present = await LockAsync(work, runs);
                var live = group.Where(batch => present.Contains(batch.RunId)).ToList();
                foreach (var batch in group)
                {
                    batch.RunMissing = !present.Contains(batch.RunId);
                }

                if (live.Count > 0)
                {
                    var columns = await PrepareAsync(work, live, runs);
                    var added = await InsertAsync(work, columns);
                    await SaveSourcesAsync(work, live, added);
                }
            },
            cancellationToken);

    /// <summary>One order for everybody, so that two writers never wait for each other in a circle.</summary>
    private static async Task<HashSet<string>> LockAsync(UnitOfWork work, string[] runs)
    {
        var present = await work.QueryAsync<string>(
            "SELECT id FROM runs WHERE id = ANY(@runs) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE", new { runs });
        return present.ToHashSet(StringComparer.Ordinal);
    }

    private async Task<MetricColumns> PrepareAsync(UnitOfWork work, List<MetricBatch> batches, string[] runs)
    {
        var resumes = await ResumesAsync(work, runs);
        foreach (var batch in batches.Where(batch => batch.Attempt > 1).DistinctBy(batch => (batch.RunId, batch.Attempt)))
        {
            if (!resumes[batch.RunId].Any(resume => resume.Attempt == batch.Attempt))
            {
                // Training that resumes says so before its first point: this attempt began anew.
                await RecordResumeAsync(work, new ResumeRow(batch.RunId, batch.Attempt, long.MinValue), isExplicit: false);
                resumes = await ResumesAsync(work, runs);
            }
        }

        var columns = new MetricColumns(batches.Sum(batch => batch.Points.Count));
        foreach (var batch in batches)
        {
            columns.Add(batch, resumes[batch.RunId].Where(resume => resume.Attempt > batch.Attempt));
        }

        return columns;
    }

    private async Task<Dictionary<MetricSource, HashSet<long>>> InsertAsync(UnitOfWork work, MetricColumns columns)
    {
        var added = new Dictionary<MetricSource, HashSet<long>>();
        var latest = new List<(string Run, string Key, MetricLatest Value)>();
        await using (var command = new NpgsqlCommand(MetricSql.Insert, work.Connection, work.Transaction))
        {
            columns.AddTo(command);
            await using var reader = await command.ExecuteReaderAsync(work.Token);
            while (await reader.ReadAsync(work.Token))
            {
                if (await reader.IsDBNullAsync(4, work.Token))
                {
                    added.Add(new MetricSource(reader.GetString(0), reader.GetInt32(1), reader.GetString(2)), [.. reader.GetFieldValue<long[]>(3)]);
                }
                else
                {
                    latest.Add((reader.GetString(0), reader.GetString(4), new MetricLatest(reader.GetInt64(5), reader.GetDateTime(6), reader.GetDouble(7))));
                }
            }
        }

        foreach (var run in latest.GroupBy(entry => entry.Run, StringComparer.Ordinal))
        {
            var data = run.ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.Ordinal);
            await _events.PublishAsync(work, $"run:{run.Key}", "run.metrics", data);
        }

        return added;
    }

    private static async Task SaveSourcesAsync(UnitOfWork work, List<MetricBatch> batches, Dictionary<MetricSource, HashSet<long>> added)
    {
        var rows = await work.QueryAsync<MetricSourceRow>(
            "SELECT * FROM metric_sources WHERE run_id = ANY(@runs)", new { runs = batches.Select(batch => batch.RunId).Distinct().ToArray() });
        var sources = rows.ToDictionary(row => new MetricSource(row.RunId, row.Attempt, row.Source));
        var changed = new List<MetricSourceRow>();
        foreach (var group in batches.GroupBy(batch => batch.Source))
        {
            if (!sources.TryGetValue(group.Key, out var row))
            {
                row = new MetricSourceRow { RunId = group.Key.RunId, Attempt = group.Key.Attempt, Source = group.Key.Source };
            }

            if (added.TryGetValue(group.Key, out var sequences))
            {
                await AdvanceAsync(work, row, sequences);
                changed.Add(row);
            }

            foreach (var batch in group)
            {
                // A sequence that two batches of one group carry counts for the first of them.
                batch.Stored = Enumerable.Range(0, batch.Points.Count).Count(i => sequences?.Remove(batch.FirstSequence + i) == true);
                batch.NextSequence = row.NextSequence;
            }
        }

        if (changed.Count > 0)
        {
            await work.ExecuteAsync(
                MetricSql.SaveSources,
                new
                {
                    runs = changed.Select(row => row.RunId).ToArray(),
                    attempts = changed.Select(row => row.Attempt).ToArray(),
                    sources = changed.Select(row => row.Source).ToArray(),
                    points = changed.Select(row => row.Points).ToArray(),
                    next = changed.Select(row => row.NextSequence).ToArray(),
                    max = changed.Select(row => row.MaxSequence).ToArray(),
                });
        }
    }

    private static async Task AdvanceAsync(UnitOfWork work, MetricSourceRow row, HashSet<long> added)
    {
        var storedBeyond = row.MaxSequence >= row.NextSequence;
        row.Points += added.Count;
        row.MaxSequence = Math.Max(row.MaxSequence, added.Max());
        while (added.Contains(row.NextSequence))
        {
            row.NextSequence++;
        }

        if (storedBeyond && row.NextSequence <= row.MaxSequence && row.NextSequence > 0)
        {
            // A gap may have been closed: earlier points beyond it count from now on.
            var exists = await work.FindAsync<long?>(
                MetricSql.NextMissing, new { row.RunId, row.Attempt, row.Source, from = row.NextSequence });
            row.NextSequence = exists ?? row.NextSequence;
        }
    }

    private static async Task<ILookup<string, ResumeRow>> ResumesAsync(UnitOfWork work, string[] runs)
    {
        var rows = await work.QueryAsync<ResumeRow>(
            "SELECT run_id AS \"RunId\", attempt AS \"Attempt\", step AS \"Step\" FROM run_resumes WHERE run_id = ANY(@runs)", new { runs });
        return rows.ToLookup(row => row.RunId, StringComparer.Ordinal);
    }

    private async Task RecordResumeAsync(UnitOfWork work, ResumeRow resume, bool isExplicit)
    {
        var changed = await work.ExecuteAsync(
            MetricSql.RecordResume, new { resume.RunId, resume.Attempt, resume.Step, isExplicit, now = _time.GetUtcNow() });
        if (changed > 0)
        {
            await work.ExecuteAsync(MetricSql.ApplyResumes, new { resume.RunId, resume.Attempt });
        }
    }
}
