namespace AiPlatform.Functions.Infrastructure.Garbage;

/// <summary>One round of garbage collection. Its report is written by the transactions that do the work, so that it is right even when the process dies.</summary>
/// <param name="Id">The report's id.</param>
/// <param name="StartedAt">Begin of the round.</param>
/// <param name="DeletedBefore">What was deleted before this time cannot be restored any more.</param>
internal sealed record GarbageRound(string Id, DateTimeOffset StartedAt, DateTimeOffset DeletedBefore)
{
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

    /// <summary>Counts what happened to blobs in this transaction.</summary>
    public Task CountAsync(UnitOfWork work, long freed, long bytes, long kept, long failures)
        => work.ExecuteAsync(
            """
            INSERT INTO garbage_reports AS r (id, started_at, blobs_freed, bytes_freed, blobs_kept, failures) VALUES (@Id, @StartedAt, @freed, @bytes, @kept, @failures)
            ON CONFLICT (id) DO UPDATE SET blobs_freed = r.blobs_freed + excluded.blobs_freed, bytes_freed = r.bytes_freed + excluded.bytes_freed,
                blobs_kept = r.blobs_kept + excluded.blobs_kept, failures = r.failures + excluded.failures
            """,
            new { Id, StartedAt, freed, bytes, kept, failures });
}
