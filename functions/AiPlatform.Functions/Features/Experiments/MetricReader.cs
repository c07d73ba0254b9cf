using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Functions.Infrastructure;
using Dapper;

namespace AiPlatform.Functions.Features.Experiments;

/// <summary>Reads series, and says whether they are complete.</summary>
internal sealed class MetricReader(Database database)
{
    private const int MaxGaps = 100;

    /// <summary>A page of one series by step: the default view, or with superseded points too.</summary>
    public async Task<Page<MetricPoint>> ListAsync(string runId, string key, bool allAttempts, PageRequest page, CancellationToken cancellationToken)
    {
        var after = Position(page);
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<PointRow>(new CommandDefinition(
            $"""
            SELECT attempt, source, sequence, step, value, at FROM metric_points
            WHERE run_id = @runId AND key = @key AND (@allAttempts OR NOT superseded)
              {(after is null ? string.Empty : "AND (step, attempt, source, sequence) > (@Step, @Attempt, @Source, @Sequence)")}
            ORDER BY step, attempt, source, sequence LIMIT @limit
            """,
            new { runId, key, allAttempts, after?.Step, after?.Attempt, after?.Source, after?.Sequence, limit = page.Size + 1 },
            cancellationToken: cancellationToken));
        return page.ToPage(
            rows,
            row => new MetricPoint(key, row.Step, row.Value, row.At) { Attempt = row.Attempt },
            row => [$"{row.Step}", $"{row.Attempt}", row.Source, $"{row.Sequence}"]);
    }

    /// <summary>What every source has sent, with the first gaps of those that are not complete.</summary>
    public async Task<MetricsCompleteness> CompletenessAsync(string runId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = (await connection.QueryAsync<MetricSourceRow>(new CommandDefinition(
            "SELECT * FROM metric_sources WHERE run_id = @runId ORDER BY attempt, source", new { runId }, cancellationToken: cancellationToken))).AsList();
        var sources = new List<SourceCompleteness>(rows.Count);
        foreach (var row in rows)
        {
            IReadOnlyList<long[]> gaps = [];
            if (row.NextSequence <= row.MaxSequence)
            {
                gaps =
                [
                    .. await connection.QueryAsync<long, long, long[]>(
                        new CommandDefinition(
                            """
                            SELECT previous + 1 AS first, sequence - 1 AS last FROM (
                                SELECT sequence, lag(sequence, 1, -1) OVER (ORDER BY sequence) AS previous
                                FROM metric_points WHERE run_id = @RunId AND attempt = @Attempt AND source = @Source) points
                            WHERE sequence > previous + 1 ORDER BY sequence LIMIT @limit
                            """,
                            new { row.RunId, row.Attempt, row.Source, limit = MaxGaps },
                            cancellationToken: cancellationToken),
                        (first, last) => [first, last],
                        splitOn: "last"),
                ];
            }

            sources.Add(new SourceCompleteness(row.Attempt, row.Source, row.Points, row.NextSequence, gaps));
        }

        return new MetricsCompleteness(sources.TrueForAll(source => source.Gaps.Count == 0), sources);
    }

    private static PointRow? Position(PageRequest page)
    {
        if (page.Keys(4) is not { } keys)
        {
            return null;
        }

        return long.TryParse(keys[0], out var step) && int.TryParse(keys[1], out var attempt) && long.TryParse(keys[3], out var sequence)
            ? new PointRow { Step = step, Attempt = attempt, Source = keys[2], Sequence = sequence }
            : throw new ApiException(ErrorCodes.InvalidPageToken) { Field = "pageToken" };
    }

    private sealed class PointRow
    {
        public int Attempt { get; init; }

        public required string Source { get; init; }

        public long Sequence { get; init; }

        public long Step { get; init; }

        public double Value { get; init; }

        public DateTimeOffset At { get; init; }
    }
}
