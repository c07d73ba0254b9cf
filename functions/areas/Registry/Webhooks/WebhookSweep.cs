using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Registry.Webhooks;

/// <summary>Forgets old deliveries that were given up or whose webhook is disabled.</summary>
internal sealed class WebhookSweep(Database database, IOptions<WebhookOptions> options, TimeProvider time) : ITickTask
{
    private const int Batch = 10_000;

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM webhook_deliveries WHERE id IN (
                SELECT d.id FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE d.created_at < @before AND (d.given_up OR w.status = 'DISABLED') LIMIT @Batch)
            """,
            new { before = time.GetUtcNow() - options.Value.Retention, Batch },
            cancellationToken: cancellationToken));
    }
}
