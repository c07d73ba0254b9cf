using System.Collections.Concurrent;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Registry.Webhooks;
using Dapper;

namespace AiPlatform.IntegrationTests.Functions.Core.Delivery;

/// <summary>Instances of release 2.0 run beside those of this one while they are replaced: both lease from the same tables.</summary>
[Collection(ServersCollection.Name)]
public sealed class ReleaseOverlapTests(PostgresFixture postgres)
{
    private static readonly DeliveryPace Pace = new(8, 8, 4, TimeSpan.FromMinutes(1), TimeSpan.Zero);

    [Fact]
    public async Task Orchestrations_get_each_message_from_one_of_them_and_in_order()
    {
        await using var database = new Database(await postgres.CreateMigratedAsync("overlap"));
        await ExecuteAsync(database, "INSERT INTO outbox (kind, instance_id, name) SELECT 'raise-event', 'i' || (n % 40), 'n' FROM generate_series(1, 400) n");
        var claims = await RaceAsync(
            () => database.InTransactionAsync<IReadOnlyList<Claimed>>(
                async (connection, transaction) =>
                {
                    await connection.ExecuteAsync("SELECT pg_advisory_xact_lock(@ClaimLock)", new { ClaimLock = 0x6f75_7462_6f78 }, transaction);
                    return (await connection.QueryAsync<Claimed>(
                        """
                        WITH due AS (
                            SELECT id FROM outbox o
                            WHERE NOT parked AND due_at <= now()
                              AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.instance_id = o.instance_id AND e.id < o.id AND NOT e.parked AND e.due_at > now())
                            ORDER BY id LIMIT 8)
                        UPDATE outbox SET due_at = now() + interval '1 minute', attempts = attempts + 1 FROM due WHERE outbox.id = due.id
                        RETURNING outbox.id::text AS id, instance_id AS key
                        """,
                        transaction: transaction)).AsList();
                },
                CancellationToken.None),
            async () => Rows(await new DeliveryStatements(OutboxChannel.Table).LeaseAsync<OutboxRow>(database, Pace, [], 8, CancellationToken.None)));

        // Nothing is settled: of each instance only the first claim's rows are under way, and they are its first ones.
        foreach (var instance in claims.SelectMany(static claim => claim.Select(row => (Claim: claim, row.Key, Id: long.Parse(row.Id)))).GroupBy(static row => row.Key))
        {
            Assert.Single(instance.Select(static row => row.Claim).Distinct());
            Assert.Equal(long.Parse(instance.Key[1..]) is var first && first == 0 ? 40 : first, instance.Min(static row => row.Id));
        }

        Assert.Equal(40, claims.SelectMany(static claim => claim).Select(static row => row.Key).Distinct().Count());
    }

    [Fact]
    public async Task Webhooks_get_each_delivery_from_one_of_them()
    {
        await using var database = new Database(await postgres.CreateMigratedAsync("overlap"));
        await ExecuteAsync(
            database,
            """
            ALTER TABLE webhooks DROP CONSTRAINT webhooks_project_id_fkey;
            INSERT INTO webhooks (id, project_id, name, url, events, status, created_at, updated_at) SELECT 'w' || n, 'p', 'w', 'http://x', '{}', 'ACTIVE', now(), now() FROM generate_series(1, 20) n;
            INSERT INTO webhook_deliveries (id, webhook_id, event, body, due_at, created_at) SELECT 'd' || n, 'w' || (1 + n % 20), 'e', '{}', now(), now() FROM generate_series(1, 600) n
            """);
        var claims = await RaceAsync(
            async () =>
            {
                await using var connection = await database.OpenAsync(CancellationToken.None);
                return (await connection.QueryAsync<Claimed>(
                    """
                    WITH due AS (
                        SELECT d.id FROM webhooks w CROSS JOIN LATERAL (
                            SELECT id, due_at FROM webhook_deliveries WHERE webhook_id = w.id AND NOT given_up AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) d
                        WHERE w.status = 'ACTIVE' AND EXISTS (SELECT 1 FROM webhook_deliveries e WHERE e.webhook_id = w.id AND NOT e.given_up AND e.due_at <= now()) LIMIT 8)
                    UPDATE webhook_deliveries d SET due_at = now() + interval '1 minute', attempts = attempts + 1 FROM due WHERE d.id = due.id
                    RETURNING d.id, d.webhook_id AS key
                    """)).AsList();
            },
            async () => Rows(await new DeliveryStatements(WebhookChannel.Table).LeaseAsync<WebhookDelivery>(database, Pace, [], 8, CancellationToken.None)));
        var ids = claims.SelectMany(static claim => claim).Select(static row => row.Id).ToList();
        Assert.Equal((600, 600), (ids.Count, ids.Distinct().Count()));
    }

    private static IReadOnlyList<Claimed> Rows(IEnumerable<DeliveryRow> rows) => [.. rows.Select(static row => new Claimed { Id = row.Id, Key = row.Key })];

    // Both take until neither finds anything.
    private static async Task<IReadOnlyList<IReadOnlyList<Claimed>>> RaceAsync(params Func<Task<IReadOnlyList<Claimed>>>[] releases)
    {
        var claims = new ConcurrentQueue<IReadOnlyList<Claimed>>();
        await Task.WhenAll(releases.SelectMany(static release => Enumerable.Repeat(release, 3)).Select(async claim =>
        {
            for (var empty = 0; empty < 3;)
            {
                var rows = await claim();
                empty = rows.Count == 0 ? empty + 1 : 0;
                if (rows.Count > 0)
                {
                    claims.Enqueue(rows);
                }
            }
        }));
        return [.. claims];
    }

    private static async Task ExecuteAsync(Database database, string sql)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync(sql);
    }

    private sealed record Claimed
    {
        public required string Id { get; init; }

        public required string Key { get; init; }
    }
}
