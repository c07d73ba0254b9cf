using System.Data;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Reads series from chunks and log, and says whether they are complete.</summary>
internal sealed class MetricReader(Database database)
{
    private const int MaxGaps = 100;

    /// <summary>A page of one series by step: the default view, or with superseded points too.</summary>
    public async Task<Page<MetricPoint>> ListAsync(string runId, string key, bool allAttempts, PageRequest page, CancellationToken cancellationToken)
    {
        var (points, next) = await PageAsync(runId, key, allAttempts, page.PageToken, page.Size, cancellationToken);
        return new Page<MetricPoint>(
            [.. points.Select(point => new MetricPoint(key, point.Step, point.Value, MetricRow.Time(point.At)) { Attempt = MetricLane.Attempt(point.Lane) })], next);
    }

    /// <summary>A page of one series in series order, and the token of the next page.</summary>
    public async Task<(IReadOnlyList<StoredPoint> Points, string? NextPageToken)> PageAsync(
        string runId, string key, bool allAttempts, string? pageToken, int size, CancellationToken cancellationToken)
    {
        var (from, skip) = Position(pageToken);
        for (long limit = (long)skip + size + 1; ; limit *= 4)
        {
            var (stored, bound) = await OpenAsync([runId], [key], allAttempts, new StepRange(from, long.MaxValue), limit, cancellationToken);
            var points = stored.TryGetValue((runId, key), out var series) ? series.ToPoints(new StepRange(from, bound ?? long.MaxValue)) : [];
            var rest = Math.Max(0, points.Count - skip);
            if (rest <= size && bound is not null)
            {
                // Superseded or equal points left too few of those that were read.
                continue;
            }

            if (rest <= size)
            {
                return (points.GetRange(points.Count - rest, rest), null);
            }

            var (end, seen) = (skip + size, 1);
            while (seen < end && points[end - 1 - seen].Step == points[end - 1].Step)
            {
                seen++;
            }

            return (points.GetRange(skip, size), PageToken.Encode($"{points[end - 1].Step}", $"{seen}"));
        }
    }

    /// <summary>Whole series of several runs in series order; a series without points is absent.</summary>
    public async Task<Dictionary<(string Run, string Key), List<StoredPoint>>> ReadAsync(string[] runs, string[] keys, bool allAttempts, CancellationToken cancellationToken)
    {
        var (stored, _) = await OpenAsync(runs, keys, allAttempts, StepRange.All, null, cancellationToken);
        var series = stored.ToList();
        var points = Processors.Select(series, series.Sum(pair => pair.Value.Count), pair => pair.Value.ToPoints(StepRange.All));
        return series.Zip(points).ToDictionary(pair => pair.First.Key, pair => pair.Second);
    }

    /// <summary>The default view of series of several runs, not decoded yet, with all points of a range and perhaps others; one without points in the range is there, and empty.</summary>
    public async Task<Dictionary<(string Run, string Key), StoredSeries>> OpenAsync(string[] runs, string[] keys, StepRange range, CancellationToken cancellationToken)
        => (await OpenAsync(runs, keys, allAttempts: false, range, null, cancellationToken)).Series;

    /// <summary>What every source has sent, with the first gaps of those that are not complete.</summary>
    public async Task<MetricsCompleteness> CompletenessAsync(string runId, CancellationToken cancellationToken)
    {
        var sources = new List<SourceCompleteness>();
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT attempt, source, received FROM metric_sources WHERE run_id = $1 ORDER BY attempt, source", connection)
        {
            Parameters = { new() { Value = runId } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var sequences = new SequenceSet(await reader.GetFieldValueAsync<NpgsqlRange<long>[]>(2, cancellationToken));
            sources.Add(new SourceCompleteness(reader.GetInt32(0), reader.GetString(1), sequences.Count, sequences.Next, sequences.Gaps(MaxGaps)));
        }

        return new MetricsCompleteness(sources.TrueForAll(source => source.Gaps.Count == 0), sources);
    }

    // With a limit only chunks up to a bound are read, chosen so that at least so many points of one series lie before it.
    private async Task<(Dictionary<(string Run, string Key), StoredSeries> Series, long? Bound)> OpenAsync(
        string[] runs, string[] keys, bool allAttempts, StepRange range, long? limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT run_id, attempt, step FROM run_resumes WHERE run_id = ANY($1)") { Parameters = { new() { Value = runs } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            WITH bound AS (
                SELECT min(last_step) AS step FROM (
                    SELECT last_step, sum(CASE WHEN first_step >= $3 THEN points ELSE 0 END) OVER (ORDER BY last_step, id) AS upto
                    FROM metric_chunks WHERE $5::bigint IS NOT NULL AND run_id = ANY($1) AND key = ANY($2) AND last_step >= $3) counted
                WHERE upto > $5)
            SELECT (SELECT step FROM bound), run_id, key, -1 AS lane, first_step, last_step, CASE WHEN last_step >= $3 AND first_step <= $4 THEN payload END
            FROM metric_chunks
            WHERE run_id = ANY($1) AND key = ANY($2)
              AND ($5::bigint IS NULL OR (last_step >= $3 AND first_step <= coalesce((SELECT step FROM bound), 9223372036854775807)))
            UNION ALL SELECT (SELECT step FROM bound), run_id, NULL, lane, 0, 0, payload FROM metric_log WHERE run_id = ANY($1)
            """)
        {
            Parameters =
            {
                new() { Value = runs }, new() { Value = keys }, new() { Value = range.First }, new() { Value = range.Last },
                new() { Value = (object?)limit ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint },
            },
        });

        // Column by column: a payload comes into its array without another copy.
        await using var reader = await batch.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken);
        var resumes = new List<ResumeRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            resumes.Add(new ResumeRow(reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2)));
        }

        await reader.NextResultAsync(cancellationToken);
        return await ReadAsync(reader, new SeriesSet(keys, allAttempts ? [] : resumes), cancellationToken);
    }

    private static async Task<(Dictionary<(string Run, string Key), StoredSeries> Series, long? Bound)> ReadAsync(
        NpgsqlDataReader reader, SeriesSet set, CancellationToken cancellationToken)
    {
        long? bound = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            bound = await reader.IsDBNullAsync(0, cancellationToken) ? null : reader.GetInt64(0);
            var run = reader.GetString(1);
            var key = await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2);
            var (lane, firstStep, lastStep) = (reader.GetInt32(3), reader.GetInt64(4), reader.GetInt64(5));
            var payload = await reader.IsDBNullAsync(6, cancellationToken) ? null : await reader.GetFieldValueAsync<byte[]>(6, cancellationToken);
            if (key is null)
            {
                set.AddLog(run, lane, payload!);
            }
            else if (payload is null)
            {
                set.Add(run, key);
            }
            else
            {
                set.AddChunk(run, key, new SeriesPart(firstStep, lastStep, payload));
            }
        }

        return (set.ToSeries(), bound);
    }

    private static (long Step, int Skip) Position(string? token)
    {
        if (PageToken.Decode(token, 2) is not { } keys)
        {
            return (long.MinValue, 0);
        }

        return long.TryParse(keys[0], out var step) && int.TryParse(keys[1], out var skip) && skip >= 0
            ? (step, skip)
            : throw new ApiException(ErrorCodes.InvalidPageToken) { Field = "pageToken" };
    }
}
