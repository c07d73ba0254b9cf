using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Functions.Infrastructure;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Functions.Features.Experiments.Metrics;

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
            var (series, bound) = await ReadAsync([runId], [key], allAttempts, from, limit, cancellationToken);
            var points = series.GetValueOrDefault((runId, key)) ?? [];
            var rest = points.Skip(skip).Take(size + 1).ToList();
            if (rest.Count <= size && bound is not null)
            {
                // Superseded or equal points left too few of those that were read.
                continue;
            }

            if (rest.Count <= size)
            {
                return (rest, null);
            }

            var last = rest[size - 1].Step;
            var seen = points.Take(skip + size).Count(point => point.Step == last);
            return (rest[..size], PageToken.Encode($"{last}", $"{seen}"));
        }
    }

    /// <summary>Whole series of several runs in series order; a series without points is absent.</summary>
    public async Task<Dictionary<(string Run, string Key), List<StoredPoint>>> ReadAsync(string[] runs, string[] keys, bool allAttempts, CancellationToken cancellationToken)
        => (await ReadAsync(runs, keys, allAttempts, long.MinValue, null, cancellationToken)).Series;

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
    private async Task<(Dictionary<(string Run, string Key), List<StoredPoint>> Series, long? Bound)> ReadAsync(
        string[] runs, string[] keys, bool allAttempts, long from, long? limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT run_id, attempt, step FROM run_resumes WHERE run_id = ANY($1)") { Parameters = { new() { Value = runs } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            WITH bound AS (
                SELECT min(last_step) AS step FROM (
                    SELECT last_step, sum(CASE WHEN first_step >= $3 THEN points ELSE 0 END) OVER (ORDER BY last_step, id) AS upto
                    FROM metric_chunks WHERE $4::bigint IS NOT NULL AND run_id = ANY($1) AND key = ANY($2) AND last_step >= $3) counted
                WHERE upto > $4)
            SELECT run_id, key, -1 AS lane, payload, (SELECT step FROM bound) FROM metric_chunks
            WHERE run_id = ANY($1) AND key = ANY($2) AND last_step >= $3 AND first_step <= coalesce((SELECT step FROM bound), 9223372036854775807)
            UNION ALL SELECT run_id, NULL, lane, payload, (SELECT step FROM bound) FROM metric_log WHERE run_id = ANY($1)
            """)
        {
            Parameters =
            {
                new() { Value = runs }, new() { Value = keys }, new() { Value = from },
                new() { Value = (object?)limit ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint },
            },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var resumes = new List<ResumeRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            resumes.Add(new ResumeRow(reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2)));
        }

        await reader.NextResultAsync(cancellationToken);
        var series = new Dictionary<(string Run, string Key), List<StoredPoint>>();
        var chunks = new ChunkBatch();
        var wanted = keys.ToHashSet(StringComparer.Ordinal);
        long? bound = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            var run = reader.GetString(0);
            var payload = await reader.GetFieldValueAsync<byte[]>(3, cancellationToken);
            bound = await reader.IsDBNullAsync(4, cancellationToken) ? null : reader.GetInt64(4);
            if (reader.GetInt32(2) is var lane && lane < 0)
            {
                chunks.Add(Points(series, run, reader.GetString(1)), payload);
                continue;
            }

            MetricPayload.Decode(
                payload,
                point =>
                {
                    if (wanted.Contains(point.Key))
                    {
                        Points(series, run, point.Key).Add(new StoredPoint(point.Step, point.At, point.Value, lane));
                    }
                },
                wanted.Count == 1 ? keys[0] : null);
        }

        chunks.Decode();
        var views = resumes.ToLookup(resume => resume.RunId, StringComparer.Ordinal);
        foreach (var ((run, key), points) in series)
        {
            var view = new AttemptView(allAttempts || MetricRow.IsSystem(key) ? [] : views[run]);
            if (from > long.MinValue || bound is not null || !view.IsWhole)
            {
                var lastSteps = points.Select(point => point.Lane).Distinct().ToDictionary(lane => lane, lane => Math.Min(view.LastStep(MetricLane.Attempt(lane)), bound ?? long.MaxValue));
                points.RemoveAll(point => point.Step < from || point.Step > lastSteps[point.Lane]);
            }

            var left = StoredPoint.Normalize(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(points));
            points.RemoveRange(left, points.Count - left);
        }

        return (series, bound);
    }

    private static List<StoredPoint> Points(Dictionary<(string Run, string Key), List<StoredPoint>> series, string run, string key)
        => series.TryGetValue((run, key), out var points) ? points : series[(run, key)] = [];

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
