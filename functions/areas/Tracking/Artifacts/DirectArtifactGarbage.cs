using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Registry;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>
/// Deletes what clients wrote below the artifact root for runs that are purged. The transaction that purges a run queues its folder;
/// what is deleted is gone when the work is repeated, so that a crash in the middle only costs the counts of one batch.
/// </summary>
internal sealed partial class DirectArtifactGarbage(
    Database database, DirectArtifacts artifacts, IOptions<GarbageOptions> options, TimeProvider time, ILogger<DirectArtifactGarbage> logger) : IGarbageSweep
{
    private const int MaxFolders = 100;
    private const int BatchSize = 100;

    // How soon a folder from which model versions came is looked at again.
    private static readonly TimeSpan InUse = TimeSpan.FromDays(1);

    /// <summary>Queues the folder of a run that this transaction purges. One elsewhere than below the root is its owner's.</summary>
    public async Task ReleaseAsync(UnitOfWork work, string runId)
    {
        var location = await work.FindAsync<string>("SELECT e.artifact_location FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.id = @runId", new { runId });
        if (location is not null && artifacts.IsBelowRoot(location))
        {
            await work.ExecuteAsync(
                "INSERT INTO garbage_folders (uri, run_id, due_at) VALUES (@uri, @runId, @due) ON CONFLICT (uri) DO NOTHING",
                new { uri = $"{location}/{runId}", runId, due = time.GetUtcNow() + options.Value.Grace });
        }
    }

    /// <inheritdoc />
    public async Task SweepAsync(GarbageRound round, DateTimeOffset due, CancellationToken cancellationToken)
    {
        List<string> uris;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            uris = (await connection.QueryAsync<string>(new CommandDefinition(
                "SELECT uri FROM garbage_folders WHERE due_at <= @due ORDER BY due_at LIMIT @MaxFolders", new { due, MaxFolders }, cancellationToken: cancellationToken))).AsList();
        }

        var left = options.Value.MaxBlobsPerRound;
        foreach (var uri in uris)
        {
            var more = true;
            while (more && left > 0)
            {
                var max = Math.Min(BatchSize, left);
                (var files, more) = await database.InWorkAsync(work => SweepAsync(work, round, uri, max), cancellationToken);

                // Folders are work as well.
                left -= more ? max : files;
            }
        }
    }

    /// <inheritdoc />
    public async Task<(long Waiting, long Failing)> CountFoldersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<(long, long)>(new CommandDefinition(
            "SELECT count(*), count(*) FILTER (WHERE attempts > 0) FROM garbage_folders", cancellationToken: cancellationToken));
    }

    // How many files were deleted, and whether there may be more.
    private async Task<(int Files, bool More)> SweepAsync(UnitOfWork work, GarbageRound round, string uri, int max)
    {
        var row = await work.FindAsync<Row>("SELECT run_id, attempts FROM garbage_folders WHERE uri = @uri FOR UPDATE SKIP LOCKED", new { uri });
        if (row is null)
        {
            return (0, false);
        }

        // A deleted version can be restored with its model until it is purged.
        if (await work.SingleAsync<bool>(
            $"""
            SELECT EXISTS (
                SELECT 1 FROM {RegistryRelations.ModelOrigins} v
                WHERE v.purged_at IS NULL AND (v.run_id = @RunId OR starts_with(v.place, @uri || '/') OR starts_with(v.place, 'runs:/' || @RunId || '/')))
            """,
            new { row.RunId, uri }))
        {
            await PostponeAsync(work, uri, 0, null, round.StartedAt + InUse);
            await round.CountAsync(work, 0, 0, kept: 1, 0);
            return (0, false);
        }

        var deletion = await artifacts.DeleteAsync(uri, max, work.Token);
        if (deletion.Error is { } error)
        {
            LogFailed(logger, uri, error);
            await PostponeAsync(work, uri, row.Attempts + 1, error, round.RetryAt(row.Attempts + 1));
        }
        else if (deletion.IsDone)
        {
            await work.ExecuteAsync("DELETE FROM garbage_folders WHERE uri = @uri", new { uri });
            await round.CountAsync(work, "artifactFolders", 1);
        }

        if (deletion.Files > 0 || deletion.Error is not null)
        {
            await round.CountAsync(work, 0, deletion.Bytes, 0, failures: deletion.Error is null ? 0 : 1, deletion.Files);
            GarbageRound.FreedBytes.Inc(deletion.Bytes);
        }

        return (deletion.Files, deletion is { IsDone: false, Error: null });
    }

    private static Task<int> PostponeAsync(UnitOfWork work, string uri, int attempts, string? error, DateTimeOffset due)
        => work.ExecuteAsync("UPDATE garbage_folders SET attempts = @attempts, last_error = @error, due_at = @due WHERE uri = @uri", new { uri, attempts, error, due });

    [LoggerMessage(311, LogLevel.Warning, "Artifacts in {Uri} could not be deleted: {Error}")]
    private static partial void LogFailed(ILogger logger, string uri, string error);

    private sealed record Row
    {
        public required string RunId { get; init; }

        public int Attempts { get; init; }
    }
}
