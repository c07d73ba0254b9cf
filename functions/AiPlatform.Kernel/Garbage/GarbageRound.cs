using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using Prometheus;

namespace AiPlatform.Kernel.Garbage;

/// <summary>One round of garbage collection. Its report is written by the transactions that do the work, so that it is right even when the process dies.</summary>
/// <param name="Id">The report's id.</param>
/// <param name="StartedAt">Begin of the round.</param>
/// <param name="DeletedBefore">What was deleted before this time cannot be restored any more.</param>
public sealed record GarbageRound(string Id, DateTimeOffset StartedAt, DateTimeOffset DeletedBefore)
{
    /// <summary>Bytes that were freed, of whatever kind.</summary>
    public static readonly Counter FreedBytes = Metrics.CreateCounter("aiplatform_garbage_freed_bytes_total", "Bytes that garbage collection deleted.");

    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromHours(6);

    /// <summary>When a deletion is tried again that has failed so often.</summary>
    public DateTimeOffset RetryAt(int attempts) => StartedAt + BackOff.After(attempts, FirstBackOff, MaxBackOff);

    /// <summary>Counts what was released in this transaction.</summary>
    /// <param name="kind">Such as <c>runs</c>.</param>
    public Task CountAsync(UnitOfWork work, string kind, int count)
        => count == 0
            ? Task.CompletedTask
            : work.ExecuteAsync(
                """
                INSERT INTO garbage_reports AS r (id, started_at, released) VALUES (@Id, @StartedAt, jsonb_build_object(@kind::text, @count::bigint))
                ON CONFLICT (id) DO UPDATE SET released = r.released || jsonb_build_object(@kind::text, coalesce((r.released ->> @kind)::bigint, 0) + @count)
                """,
                new { Id, StartedAt, kind, count });

    /// <summary>Counts what happened in this transaction to blobs and, below artifact roots, to files.</summary>
    public Task CountAsync(UnitOfWork work, long freed, long bytes, long kept, long failures, long files = 0)
        => work.ExecuteAsync(
            """
            INSERT INTO garbage_reports AS r (id, started_at, blobs_freed, files_freed, bytes_freed, blobs_kept, failures) VALUES (@Id, @StartedAt, @freed, @files, @bytes, @kept, @failures)
            ON CONFLICT (id) DO UPDATE SET blobs_freed = r.blobs_freed + excluded.blobs_freed, files_freed = r.files_freed + excluded.files_freed, bytes_freed = r.bytes_freed + excluded.bytes_freed,
                blobs_kept = r.blobs_kept + excluded.blobs_kept, failures = r.failures + excluded.failures
            """,
            new { Id, StartedAt, freed, files, bytes, kept, failures });
}
