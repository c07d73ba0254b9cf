using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;

namespace AiPlatform.Tracking.Runs;

/// <summary>Deletes old notes of changed runs, a bounded number at each tick.</summary>
internal sealed class RunChangeSweep(Database database) : ITickTask
{
    private const int Batch = 200_000;

    /// <summary>Who keeps runs in memory and has not looked for changes for so long reads them anew.</summary>
    public static TimeSpan Kept { get; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // By the database's clock, which wrote them. Small enough to be read from its beginning.
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM run_changes WHERE ctid = ANY(ARRAY(SELECT ctid FROM run_changes WHERE at < now() - @Kept LIMIT @Batch))",
            new { Kept, Batch },
            cancellationToken: cancellationToken));
    }
}
