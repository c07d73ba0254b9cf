using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Operations.Lineage;

/// <summary>Deletes old received events, a bounded number at each tick; edges stay.</summary>
internal sealed class LineageSweep(Database database, IOptions<LineageOptions> options, TimeProvider time) : ITickTask
{
    private const int Batch = 5_000;

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Ids begin with their time: the oldest are the first of the primary key.
        var before = $"{(time.GetUtcNow() - options.Value.Events).ToUnixTimeMilliseconds():x12}";
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM openlineage_events WHERE id IN (SELECT id FROM openlineage_events WHERE id < @before ORDER BY id LIMIT @Batch)",
            new { before, Batch },
            cancellationToken: cancellationToken));
    }
}
