using AiPlatform.Data.Datasets;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Data;

namespace AiPlatform.IntegrationTests.Functions.Data;

/// <summary>Versions that other areas know by name.</summary>
[Collection(DataCollection.Name)]
public sealed class DatasetVersionNameTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Many_names_are_found_in_their_order_and_what_is_not_ready_is_not_found()
    {
        await using var database = new Database(await postgres.CreateMigratedAsync("versions"));
        var found = await database.InWorkAsync(
            async work =>
            {
                await work.ExecuteAsync(
                    """
                    SET LOCAL session_replication_role = replica;
                    INSERT INTO datasets (id, project_id, name, created_at, updated_at, deleted_at) VALUES
                        ('lake', 'p', 'Lake', now(), now(), NULL), ('gone', 'p', 'Gone', now(), now(), now()), ('other', 'q', 'Other', now(), now(), NULL);
                    INSERT INTO dataset_versions (id, dataset_id, project_id, version, status, file_count, size_bytes, digest, created_at) VALUES
                        ('lake1', 'lake', 'p', 1, 'ready', 0, 0, '', now()), ('lake2', 'lake', 'p', 2, 'ready', 0, 0, '', now()),
                        ('lake3', 'lake', 'p', 3, 'draft', 0, 0, '', now()), ('gone1', 'gone', 'p', 1, 'ready', 0, 0, '', now()),
                        ('other1', 'other', 'q', 1, 'ready', 0, 0, '', now())
                    """,
                    new { });
                return await new DatasetVersions().FindReadyAsync(
                    work, "p", [new("other", null), new("lake", null), new("LAKE", 1), new("lake", 3), new("gone", 1), new("lake", null), new("nothing", null)]);
            },
            CancellationToken.None);
        Assert.Equal([null, "lake2", "lake1", null, null, "lake2", null], found);
    }
}
