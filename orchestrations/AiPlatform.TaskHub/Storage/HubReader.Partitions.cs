using Npgsql;

namespace AiPlatform.TaskHub.Storage;

/// <summary>Which processes live, and which of them owns each partition; null where nobody does.</summary>
internal sealed record HubMembership(IReadOnlyList<string> Processes, IReadOnlyList<(string Process, string Address)?> Owners)
{
    /// <summary>Partitions that may be taken: nobody holds them, and whoever did has had the time to come back.</summary>
    public int Free { get; init; }
}

/// <content>Processes, partitions and what goes between them.</content>
internal sealed partial class HubReader
{
    /// <summary>Says that this process lives, and reads who else does. A process whose locks are gone and which is silent is dead.</summary>
    public async Task<HubMembership> BeatAsync(string process, string address, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "INSERT INTO hub_processes (id, address, seen_at) VALUES ($1, $2, now()) ON CONFLICT (id) DO UPDATE SET address = EXCLUDED.address, seen_at = EXCLUDED.seen_at")
        {
            Parameters = { new() { Value = process }, new() { Value = address } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("DELETE FROM hub_processes WHERE seen_at < now() - interval '10 minutes'"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT id, address FROM hub_processes WHERE seen_at > now() - $1") { Parameters = { new() { Value = lease } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "SELECT p.owner, EXISTS (SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
            + "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            + "AND l.classid = ($1 >> 32)::oid AND l.objid = (($1 & 4294967295) + p.id)::oid) FROM partitions p ORDER BY p.id")
        {
            Parameters = { new() { Value = HubOwner.PartitionLocks } },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var processes = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            processes[reader.GetString(0)] = reader.GetString(1);
        }

        await reader.NextResultAsync(cancellationToken);
        var owners = new List<(string, string)?>();
        var free = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            var owner = reader.IsDBNull(0) ? null : reader.GetString(0);
            var held = reader.GetBoolean(1);
            owners.Add(held && owner is not null && processes.TryGetValue(owner, out var at) ? (owner, at) : null);
            free += !held && (owner is null || owner == process || !processes.ContainsKey(owner)) ? 1 : 0;
        }

        return new([.. processes.Keys], owners) { Free = free };
    }

    /// <summary>Says that this process lives no more.</summary>
    public async Task LeaveAsync(string process, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("DELETE FROM hub_processes WHERE id = $1");
        command.Parameters.Add(new() { Value = process });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Whether rows name payloads in Blob storage.</summary>
    public async Task<bool> HasPayloadsAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT EXISTS (SELECT 1 FROM payload_refs)");
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>All work that is parked.</summary>
    public async Task<List<ParkedRow>> ParkedAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT hub, instance_id, task_id, reason, parked_at FROM parked");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ParkedRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new(reader.GetInt32(0), reader.GetString(1), reader.GetInt32(2), reader.GetString(3), reader.GetDateTime(4)));
        }

        return rows;
    }

    /// <summary>The oldest messages to instances and entities of partitions.</summary>
    public async Task<List<MessageRow>> MessagesAsync(IReadOnlyCollection<int> partitions, int limit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            $"SELECT id, partition, hub, target, execution_id, sender_key, payload FROM messages WHERE partition = ANY ($1) ORDER BY id LIMIT {limit}");
        command.Parameters.Add(Numbers(partitions));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<MessageRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new(
                reader.GetInt64(0), reader.GetInt16(1), reader.GetInt32(2), reader.GetString(3), reader.IsDBNull(4) ? null : reader.GetString(4),
                reader.IsDBNull(5) ? null : reader.GetInt64(5), reader.GetFieldValue<byte[]>(6)));
        }

        return rows;
    }
}
