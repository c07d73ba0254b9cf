using AiPlatform.TaskHub.Engine;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.TaskHub.Storage;

/// <summary>The statements that write what a group of commits says of entities.</summary>
internal static class EntityRows
{
    public static void AddTo(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        Remove(batch, commits);
        Update(batch, commits);
        Insert(batch, commits);
        foreach (var commit in commits.Where(commit => commit.EmptyEntities.Count > 0))
        {
            HubOwner.Add(
                batch,
                "DELETE FROM entities e WHERE hub = $1 AND entity_id = ANY ($2) AND state IS NULL AND locked_by IS NULL "
                + "AND NOT EXISTS (SELECT 1 FROM entity_inbox m WHERE m.hub = e.hub AND m.entity_id = e.entity_id)",
                new() { Value = commit.EmptyEntitiesHub },
                HubOwner.Array(NpgsqlDbType.Text, commit.EmptyEntities.ToArray()));
        }
    }

    private static void Insert(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var rows = Commit.EntityMessagesOf(commits);
        if (rows.Length > 0)
        {
            HubOwner.Add(
                batch,
                "INSERT INTO entity_inbox (hub, entity_id, seq, payload, partition) SELECT * FROM unnest($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                HubOwner.Array(NpgsqlDbType.Integer, Array.ConvertAll(rows, row => row.Key.Hub)),
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(rows, row => row.Key.EntityId)),
                HubOwner.Array(NpgsqlDbType.Bigint, Array.ConvertAll(rows, row => row.Key.Seq)),
                HubOwner.Array(NpgsqlDbType.Bytea, Array.ConvertAll(rows, row => row.Payload)),
                HubOwner.Array(NpgsqlDbType.Smallint, Array.ConvertAll(rows, row => (short)Partition.Of(row.Key.EntityId))));
        }
    }

    private static void Remove(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var keys = Commit.EntityMessagesDoneOf(commits);
        if (keys.Length > 0)
        {
            HubOwner.Add(
                batch,
                "DELETE FROM entity_inbox m USING unnest($1, $2, $3) AS d (hub, entity_id, seq) WHERE m.hub = d.hub AND m.entity_id = d.entity_id AND m.seq = d.seq",
                HubOwner.Array(NpgsqlDbType.Integer, Array.ConvertAll(keys, key => key.Hub)),
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(keys, key => key.EntityId)),
                HubOwner.Array(NpgsqlDbType.Bigint, Array.ConvertAll(keys, key => key.Seq)));
        }
    }

    private static void Update(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var updates = Commit.EntityUpdatesOf(commits);
        if (updates.Length > 0)
        {
            HubOwner.Add(
                batch,
                "INSERT INTO entities (hub, entity_id, modified_at, locked_by, lock_section, state) SELECT * FROM unnest($1, $2, $3, $4, $5, $6) "
                + "ON CONFLICT (hub, entity_id) DO UPDATE SET modified_at = EXCLUDED.modified_at, locked_by = EXCLUDED.locked_by, lock_section = EXCLUDED.lock_section, state = EXCLUDED.state",
                HubOwner.Array(NpgsqlDbType.Integer, Array.ConvertAll(updates, update => update.Hub)),
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(updates, update => update.EntityId)),
                HubOwner.Array(NpgsqlDbType.TimestampTz, Array.ConvertAll(updates, update => update.ModifiedAt)),
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(updates, update => update.LockedBy)),
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(updates, update => update.Section)),
                HubOwner.Array(NpgsqlDbType.Bytea, Array.ConvertAll(updates, update => Payload.FromText(update.State))));
        }
    }
}
