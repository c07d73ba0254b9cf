using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Core;

[Collection(ServersCollection.Name)]
public sealed class RetentionSweepTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task Old_rows_go_and_young_ones_stay()
    {
        await using var connection = new NpgsqlConnection(functions.Postgres);
        await connection.ExecuteAsync(
            """
            INSERT INTO run_changes (experiment_id, run_id, at) VALUES ('e', 'old', now() - interval '1 hour'), ('e', 'young', now());
            INSERT INTO events (topic, kind, data, created_at) VALUES ('old', 'k', '{}', now() - interval '1 year'), ('young', 'k', '{}', now());
            INSERT INTO idempotency_keys (caller_id, key, request_hash, created_at, lease_until)
            VALUES ('c', 'old', '', now() - interval '1 year', now()), ('c', 'young', '', now(), now())
            """);

        await functions.App.Services.GetServices<ITickTask>().OfType<RetentionSweep>().Single().RunAsync(CancellationToken.None);

        Assert.Equal(
            ["young", "young", "young"],
            await connection.QueryAsync<string>(
                """
                SELECT run_id FROM run_changes WHERE experiment_id = 'e' UNION ALL SELECT topic FROM events WHERE topic IN ('old', 'young')
                UNION ALL SELECT key FROM idempotency_keys WHERE caller_id = 'c'
                """));
    }
}
