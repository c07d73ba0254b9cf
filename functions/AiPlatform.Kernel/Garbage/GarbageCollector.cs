using System.Collections.Concurrent;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Azure;
using Microsoft.Extensions.Options;

namespace AiPlatform.Kernel.Garbage;

/// <summary>
/// Releases what was deleted for longer than the retention and deletes blobs that nothing refers to. Rows decide, and are held
/// while they are worked on: any number of instances may collect at once, and one that dies leaves its work to the others.
/// </summary>
public sealed partial class GarbageCollector(
    Database database, BlobStorage storage, IEnumerable<IGarbageRelease> releases, IEnumerable<IGarbageSource> sources, IEnumerable<IGarbageSweep> sweeps, IOptions<GarbageOptions> options, TimeProvider time,
    ILogger<GarbageCollector> logger) : ITickTask
{
    private const int BatchSize = 100;
    private const int Parallelism = 8;
    private readonly IGarbageRelease[] _releases = [.. releases.OrderBy(static release => release.Order)];
    private readonly ILookup<string, IGarbageSource> _sources = sources.ToLookup(static source => source.Container, StringComparer.Ordinal);

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await CollectAsync(options.Value.Retention, withGrace: true, cancellationToken);
        await database.InWorkAsync(
            work => work.ExecuteAsync("DELETE FROM garbage_reports WHERE started_at < @before", new { before = time.GetUtcNow() - options.Value.Reports }), cancellationToken);
    }

    /// <summary>Does one bounded round.</summary>
    /// <param name="retention">Releases what was deleted at least so long ago.</param>
    /// <param name="withGrace">False: blobs are deleted as soon as nothing refers to them.</param>
    /// <returns>The id of the round's report; there is a report only when the round found something.</returns>
    public async Task<string> CollectAsync(TimeSpan retention, bool withGrace, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var round = new GarbageRound(Ids.New(time), now, now - retention);
        foreach (var release in _releases)
        {
            await release.ReleaseAsync(round, cancellationToken);
        }

        // As good as for ever: PostgreSQL has no infinity that a parameter could be.
        var due = withGrace ? now : now.AddYears(100);
        var swept = BatchSize;
        for (var total = 0; swept == BatchSize && total < options.Value.MaxBlobsPerRound; total += swept)
        {
            swept = await database.InWorkAsync(work => SweepAsync(work, round, due), cancellationToken);
        }

        foreach (var sweep in sweeps)
        {
            await sweep.SweepAsync(round, due, cancellationToken);
        }

        await database.InWorkAsync(
            work => work.ExecuteAsync("UPDATE garbage_reports SET ended_at = @now WHERE id = @Id", new { round.Id, now = time.GetUtcNow() }), cancellationToken);
        return round.Id;
    }

    // A repeat of the transaction finds the blobs gone, which is as good.
    private async Task<int> SweepAsync(UnitOfWork work, GarbageRound round, DateTimeOffset due)
    {
        var rows = await work.QueryAsync<Row>(
            """
            SELECT container, name, size_bytes, attempts FROM garbage_blobs WHERE due_at <= @due AND container = ANY(@containers)
            ORDER BY due_at LIMIT @BatchSize FOR UPDATE SKIP LOCKED
            """,
            new { due, containers = _sources.Select(static container => container.Key).ToArray(), BatchSize });
        if (rows.Count == 0)
        {
            return 0;
        }

        var kept = new HashSet<(string, string)>();
        foreach (var group in rows.GroupBy(static row => row.Container, StringComparer.Ordinal))
        {
            foreach (var source in _sources[group.Key])
            {
                kept.UnionWith((await source.ReferencedAsync(work, [.. group.Select(static row => row.Name)])).Select(name => (group.Key, name)));
            }
        }

        var failed = new ConcurrentBag<(Row Row, string Error)>();
        long freed = 0, bytes = 0;
        await Parallel.ForEachAsync(
            rows.Where(row => !kept.Contains((row.Container, row.Name))),
            new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = work.Token },
            async (row, token) =>
            {
                try
                {
                    var size = row.SizeBytes ?? await storage.LengthAsync(row.Container, row.Name, token) ?? 0;
                    if (await storage.DeleteAsync(row.Container, row.Name, token))
                    {
                        Interlocked.Increment(ref freed);
                        Interlocked.Add(ref bytes, size);
                    }
                }
                catch (RequestFailedException exception)
                {
                    LogFailed(logger, row.Container, row.Name, exception.Status, exception.ErrorCode);
                    failed.Add((row, $"{exception.Status} {exception.ErrorCode}"));
                }
            });
        await PostponeAsync(work, failed, round);
        var done = rows.Except(failed.Select(static entry => entry.Row)).ToList();
        await work.ExecuteAsync(
            "DELETE FROM garbage_blobs b USING unnest(@containers, @names) AS done (container, name) WHERE b.container = done.container AND b.name = done.name",
            new { containers = done.ConvertAll(static row => row.Container).ToArray(), names = done.ConvertAll(static row => row.Name).ToArray() });
        if (freed + kept.Count + failed.Count > 0)
        {
            await round.CountAsync(work, freed, bytes, kept.Count, failed.Count);
        }

        GarbageRound.FreedBytes.Inc(bytes);
        return rows.Count;
    }

    private static async Task PostponeAsync(UnitOfWork work, IEnumerable<(Row Row, string Error)> failed, GarbageRound round)
    {
        foreach (var (row, error) in failed)
        {
            await work.ExecuteAsync(
                "UPDATE garbage_blobs SET attempts = attempts + 1, last_error = @error, due_at = @due WHERE container = @Container AND name = @Name",
                new { row.Container, row.Name, error, due = round.RetryAt(row.Attempts + 1) });
        }
    }

    [LoggerMessage(310, LogLevel.Warning, "Blob {Name} of {Container} could not be deleted: {Status} {Error}")]
    private static partial void LogFailed(ILogger logger, string container, string name, int status, string? error);

    private sealed record Row
    {
        public required string Container { get; init; }

        public required string Name { get; init; }

        public long? SizeBytes { get; init; }

        public int Attempts { get; init; }
    }
}
