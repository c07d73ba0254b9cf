using System.Globalization;
using AiPlatform.TaskHub.Storage;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.TaskHub.Payloads;

/// <summary>The statements that write and remove which rows name which payloads.</summary>
internal static class PayloadRows
{
    /// <summary>What an instance's rows name; further the row's sequence number and kind say when it goes.</summary>
    public static string OfInstance(long key) => string.Create(CultureInfo.InvariantCulture, $"i:{key}");

    /// <summary>What a message names, to an entity or to another process: both are numbered from one counter.</summary>
    public static string OfMessage(long id) => string.Create(CultureInfo.InvariantCulture, $"m:{id}");

    /// <summary>What an entity's state names.</summary>
    public static string OfEntity(int hub, string entityId) => string.Create(CultureInfo.InvariantCulture, $"s:{hub}:{entityId}");

    /// <summary>Removes what goes with instances and hubs; comes before their rows are removed.</summary>
    public static void RemoveFrom(NpgsqlBatch batch, IReadOnlyCollection<long> deletes, IReadOnlyList<Commit> commits)
    {
        if (deletes.Count > 0)
        {
            HubOwner.Add(
                batch,
                "DELETE FROM payload_refs r USING instances i WHERE i.key = ANY ($1) AND i.completed_at IS NOT NULL AND r.owner = 'i:' || i.key",
                HubOwner.Array(NpgsqlDbType.Bigint, deletes.ToArray()));
        }

        foreach (var hub in commits.Select(commit => commit.DeletedHub).OfType<int>())
        {
            HubOwner.Add(batch, "DELETE FROM payload_refs r USING instances i WHERE i.hub = $1 AND r.owner = 'i:' || i.key", new NpgsqlParameter { Value = hub });
            HubOwner.Add(batch, "DELETE FROM payload_refs r USING entity_inbox m WHERE m.hub = $1 AND r.owner = 'm:' || m.seq", new NpgsqlParameter { Value = hub });
            HubOwner.Add(batch, "DELETE FROM payload_refs r USING messages m WHERE m.hub = $1 AND r.owner = 'm:' || m.id", new NpgsqlParameter { Value = hub });
            HubOwner.Add(batch, "DELETE FROM payload_refs r USING entities e WHERE e.hub = $1 AND r.owner = 's:' || e.hub || ':' || e.entity_id", new NpgsqlParameter { Value = hub });
        }
    }

    /// <summary>Writes what a group's rows name, and removes what is named no more.</summary>
    public static void AddTo(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var freed = Commit.PayloadsFreedOf(commits);
        if (freed.Length > 0)
        {
            HubOwner.Add(batch, "DELETE FROM payload_refs WHERE owner = ANY ($1)", HubOwner.Array(NpgsqlDbType.Text, freed));
        }

        var trims = Commit.TrimsOf(commits);
        if (trims.Length > 0)
        {
            // As the log itself is trimmed.
            HubOwner.Add(
                batch,
                "DELETE FROM payload_refs r USING unnest($1, $2, $3) AS t (owner, before, consumed) WHERE r.owner = t.owner AND r.seq < t.before AND (r.kind <> 0 OR r.seq <= t.consumed)",
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(trims, trim => OfInstance(trim.InstanceKey))),
                HubOwner.Array(NpgsqlDbType.Bigint, Array.ConvertAll(trims, trim => trim.BeforeSeq)),
                HubOwner.Array(NpgsqlDbType.Bigint, Array.ConvertAll(trims, trim => trim.LastConsumedSeq)));
        }

        var named = commits.SelectMany(Named).ToArray();
        if (named.Length > 0)
        {
            HubOwner.Add(
                batch,
                "INSERT INTO payload_refs (owner, blob, seq, kind) SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(named, row => row.Owner)),
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(named, row => row.Blob)),
                HubOwner.Array(NpgsqlDbType.Bigint, Array.ConvertAll(named, row => row.Seq)),
                HubOwner.Array(NpgsqlDbType.Smallint, Array.ConvertAll(named, row => (short)row.Kind)));
        }
    }

    private static IEnumerable<(string Owner, string Blob, long Seq, LogKind Kind)> Named(Commit commit)
    {
        foreach (var row in commit.Log)
        {
            foreach (var blob in PayloadToken.In(row.Payload))
            {
                yield return (OfInstance(row.InstanceKey), blob, row.Seq, row.Kind);
            }
        }

        foreach (var (key, payload) in commit.EntityMessages)
        {
            foreach (var blob in PayloadToken.In(payload))
            {
                yield return (OfMessage(key.Seq), blob, 0, LogKind.Event);
            }
        }

        foreach (var row in commit.Messages)
        {
            foreach (var blob in PayloadToken.In(row.Payload))
            {
                yield return (OfMessage(row.Id), blob, 0, LogKind.Event);
            }
        }

        foreach (var update in commit.EntityUpdates)
        {
            if (PayloadToken.Of(update.State) is { } token)
            {
                yield return (OfEntity(update.Hub, update.EntityId), token.Blob, 0, LogKind.Event);
            }
        }
    }
}
