using AiPlatform.Kernel.Postgres;
using Npgsql;

namespace AiPlatform.Tracking.Metrics;

/// <summary>New rows of <c>metric_chunks</c> with what their headers say.</summary>
internal sealed class ChunkRows
{
    private readonly List<NpgsqlBatchCommand> _inserts = [];

    /// <summary>Adds a chunk of points in series order.</summary>
    public void Add(string key, ReadOnlySpan<StoredPoint> points)
    {
        var (firstAt, lastAt, lanes, lane) = (points[0].At, points[0].At, new SortedSet<int>(), -1);
        var summary = new SeriesSummary();
        foreach (ref readonly var point in points)
        {
            (firstAt, lastAt) = (Math.Min(firstAt, point.At), Math.Max(lastAt, point.At));
            if (point.Lane != lane)
            {
                lanes.Add(lane = point.Lane);
            }

            summary.Add(point.Step, point.At, point.Value);
        }

        _inserts.Add(new NpgsqlBatchCommand(
            """
            INSERT INTO metric_chunks (run_id, key, first_step, last_step, first_at, last_at, lanes, points, min_value, max_value, last_value, payload)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """)
        {
            Parameters =
            {
                new NpgsqlParameter<string>(),
                new NpgsqlParameter<string> { TypedValue = key },
                new NpgsqlParameter<long> { TypedValue = points[0].Step },
                new NpgsqlParameter<long> { TypedValue = points[^1].Step },
                new NpgsqlParameter<long> { TypedValue = firstAt },
                new NpgsqlParameter<long> { TypedValue = lastAt },
                new NpgsqlParameter<int[]> { TypedValue = [.. lanes] },
                new NpgsqlParameter<int> { TypedValue = points.Length },
                new NpgsqlParameter<double?> { TypedValue = summary.Min },
                new NpgsqlParameter<double?> { TypedValue = summary.Max },
                new NpgsqlParameter<double> { TypedValue = summary.LastValue },
                new NpgsqlParameter<byte[]> { TypedValue = ChunkCodec.Encode(points) },
            },
        });
    }

    /// <summary>Writes them.</summary>
    public async Task InsertAsync(UnitOfWork work, string runId)
    {
        foreach (var part in _inserts.Chunk(200))
        {
            await using var batch = new NpgsqlBatch(work.Connection, work.Transaction);
            foreach (var insert in part)
            {
                ((NpgsqlParameter<string>)insert.Parameters[0]).TypedValue = runId;
                batch.BatchCommands.Add(insert);
            }

            await batch.ExecuteNonQueryAsync(work.Token);
        }
    }
}
