using System.Text;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.TaskHub.Storage;

/// <summary>An instance as it is stored.</summary>
internal sealed record StoredInstance(long Key, int Hub, long? ParentKey, OrchestrationState State);

/// <summary>Reads what is durable: for clients, and to rebuild the state in memory.</summary>
internal sealed partial class HubReader(NpgsqlDataSource source)
{
    private const int MaxPage = 1000;

    private static readonly short[] LiveStatuses =
    [
        (short)OrchestrationStatus.Running, (short)OrchestrationStatus.Pending, (short)OrchestrationStatus.Suspended,
    ];

    /// <summary>The id of a task hub; it is created when it is new.</summary>
    public async Task<int> HubIdAsync(string name, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            "WITH new AS (INSERT INTO task_hubs (name) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM task_hubs WHERE name = $1) ON CONFLICT DO NOTHING RETURNING id) "
            + "SELECT id FROM new UNION ALL SELECT id FROM task_hubs WHERE name = $1 LIMIT 1");
        command.Parameters.Add(new() { Value = name });

        // Two calls may insert at once: the loser's statement sees neither row, its repetition does, unless the row is deleted meanwhile.
        while (true)
        {
            if (await command.ExecuteScalarAsync(cancellationToken) is int id)
            {
                return id;
            }
        }
    }

    public async Task<IReadOnlyList<(int Id, string Name)>> HubsAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT id, name FROM task_hubs");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var hubs = new List<(int, string)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            hubs.Add((reader.GetInt32(0), reader.GetString(1)));
        }

        return hubs;
    }

    /// <summary>All instances of partitions that have not ended.</summary>
    public IAsyncEnumerable<StoredInstance> LiveInstancesAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellationToken)
    {
        var command = source.CreateCommand("SELECT key, hub, parent_key, state, input FROM instances WHERE status = ANY ($1) AND partition = ANY ($2) ORDER BY key");
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint, Value = LiveStatuses });
        command.Parameters.Add(Numbers(partitions));
        return ReadAsync(command, true, cancellationToken);
    }

    /// <summary>The logs of all instances that have not ended, by instance and sequence.</summary>
    public IAsyncEnumerable<LogRow> LiveLogAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellationToken)
    {
        var command = source.CreateCommand(
            "SELECT l.instance_key, l.seq, l.kind, l.consumed, l.payload FROM log l JOIN instances i ON i.key = l.instance_key "
            + "WHERE i.status = ANY ($1) AND i.partition = ANY ($2) ORDER BY l.instance_key, l.seq");
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint, Value = LiveStatuses });
        command.Parameters.Add(Numbers(partitions));
        return ReadLogAsync(command, cancellationToken);
    }

    /// <summary>The log of one instance.</summary>
    public IAsyncEnumerable<LogRow> LogAsync(long key, CancellationToken cancellationToken)
    {
        var command = source.CreateCommand("SELECT instance_key, seq, kind, consumed, payload FROM log WHERE instance_key = $1 ORDER BY seq");
        command.Parameters.Add(new() { Value = key });
        return ReadLogAsync(command, cancellationToken);
    }

    /// <summary>One instance, or null.</summary>
    public async Task<StoredInstance?> FindAsync(int hub, string instanceId, bool payloads, CancellationToken cancellationToken)
    {
        var command = source.CreateCommand($"SELECT key, hub, parent_key, state{(payloads ? ", input" : string.Empty)} FROM instances WHERE hub = $1 AND instance_id = $2");
        command.Parameters.Add(new() { Value = hub });
        command.Parameters.Add(new() { Value = instanceId });
        await foreach (var instance in ReadAsync(command, payloads, cancellationToken))
        {
            return instance;
        }

        return null;
    }

    /// <summary>A page of instances in the order of their creation.</summary>
    /// <returns>The page, and the key to go on after; null at the end.</returns>
    public async Task<(List<StoredInstance> Page, long? Next)> QueryAsync(int hub, InstanceQuery query, long after, CancellationToken cancellationToken)
    {
        var size = query.MaxInstanceCount is > 0 and <= MaxPage ? query.MaxInstanceCount : query.MaxInstanceCount <= 0 ? 100 : MaxPage;
        var sql = new StringBuilder("SELECT key, hub, parent_key, state").Append(query.FetchInputsAndOutputs ? ", input" : string.Empty)
            .Append(" FROM instances WHERE hub = $1 AND key > $2");
        var command = source.CreateCommand();
        command.Parameters.Add(new() { Value = hub });
        command.Parameters.Add(new() { Value = after });
        AddFilter(command, sql, query.RuntimeStatus, At(query.CreatedTimeFrom), At(query.CreatedTimeTo), "created_at");
        if (!string.IsNullOrEmpty(query.InstanceIdPrefix))
        {
            command.Parameters.Add(new() { Value = query.InstanceIdPrefix });
            sql.Append($" AND starts_with(instance_id, ${command.Parameters.Count})");
        }

        command.CommandText = sql.Append($" ORDER BY key LIMIT {size + 1}").ToString();
        var page = new List<StoredInstance>(size + 1);
        await foreach (var instance in ReadAsync(command, query.FetchInputsAndOutputs, cancellationToken))
        {
            page.Add(instance);
        }

        if (page.Count <= size)
        {
            return (page, null);
        }

        page.RemoveAt(size);
        return (page, page[^1].Key);
    }

    /// <summary>A page of ids of finished instances by the time they ended.</summary>
    public async Task<(List<string> Ids, string? Last)> ListIdsAsync(int hub, ListInstanceIdsRequest request, (DateTime At, long Key)? after, CancellationToken cancellationToken)
    {
        var size = request.PageSize is > 0 and <= MaxPage ? request.PageSize : 100;
        var sql = new StringBuilder("SELECT instance_id, completed_at, key FROM instances WHERE hub = $1 AND completed_at IS NOT NULL");
        var command = source.CreateCommand();
        command.Parameters.Add(new() { Value = hub });
        AddFilter(command, sql, request.RuntimeStatus, At(request.CompletedTimeFrom), At(request.CompletedTimeTo), "completed_at");
        if (after is { } position)
        {
            command.Parameters.Add(new() { Value = position.At });
            command.Parameters.Add(new() { Value = position.Key });
            sql.Append($" AND (completed_at, key) > (${command.Parameters.Count - 1}, ${command.Parameters.Count})");
        }

        command.CommandText = sql.Append($" ORDER BY completed_at, key LIMIT {size}").ToString();
        var ids = new List<string>(size);
        string? last = null;
        await using (command)
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                ids.Add(reader.GetString(0));
                last = $"{reader.GetDateTime(1).Ticks}:{reader.GetInt64(2)}";
            }
        }

        return (ids, ids.Count == size ? last : null);
    }

    /// <summary>Keys of finished instances that match, at most <paramref name="limit"/>.</summary>
    public async Task<List<long>> FinishedAsync(int hub, PurgeInstanceFilter filter, int limit, CancellationToken cancellationToken)
    {
        var sql = new StringBuilder("SELECT key FROM instances WHERE hub = $1 AND completed_at IS NOT NULL");
        var command = source.CreateCommand();
        command.Parameters.Add(new() { Value = hub });
        AddFilter(command, sql, filter.RuntimeStatus, At(filter.CreatedTimeFrom), At(filter.CreatedTimeTo), "created_at");
        command.CommandText = sql.Append($" ORDER BY key LIMIT {limit}").ToString();
        return await ReadKeysAsync(command, cancellationToken);
    }

    /// <summary>Keys of finished instances below the given ones, at any depth.</summary>
    public Task<List<long>> FinishedDescendantsAsync(IReadOnlyCollection<long> keys, CancellationToken cancellationToken)
    {
        var command = source.CreateCommand(
            "WITH RECURSIVE below AS (SELECT key, completed_at FROM instances WHERE parent_key = ANY ($1) "
            + "UNION SELECT i.key, i.completed_at FROM instances i JOIN below b ON i.parent_key = b.key) SELECT key FROM below WHERE completed_at IS NOT NULL");
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint, Value = keys.ToArray() });
        return ReadKeysAsync(command, cancellationToken);
    }

    private static NpgsqlParameter Numbers(IEnumerable<int> partitions)
        => new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint, Value = partitions.Select(id => (short)id).ToArray() };

    private static void AddFilter(NpgsqlCommand command, StringBuilder sql, RepeatedField<OrchestrationStatus> statuses, DateTime? from, DateTime? to, string column)
    {
        if (statuses.Count > 0)
        {
            command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint, Value = statuses.Select(status => (short)status).ToArray() });
            sql.Append($" AND status = ANY (${command.Parameters.Count})");
        }

        if (from is { } lower)
        {
            command.Parameters.Add(new() { Value = lower });
            sql.Append($" AND {column} >= ${command.Parameters.Count}");
        }

        if (to is { } upper)
        {
            command.Parameters.Add(new() { Value = upper });
            sql.Append($" AND {column} <= ${command.Parameters.Count}");
        }
    }

    private static async Task<List<long>> ReadKeysAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using (command)
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var keys = new List<long>();
            while (await reader.ReadAsync(cancellationToken))
            {
                keys.Add(reader.GetInt64(0));
            }

            return keys;
        }
    }

    private static async IAsyncEnumerable<StoredInstance> ReadAsync(
        NpgsqlCommand command, bool payloads, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using (command)
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var state = OrchestrationState.Parser.ParseFrom(reader.GetFieldValue<byte[]>(3));
                if (payloads)
                {
                    state.Input = Payload.ToText(reader.IsDBNull(4) ? null : reader.GetFieldValue<byte[]>(4));
                }
                else
                {
                    state.Output = null;
                    state.FailureDetails = null;
                }

                yield return new StoredInstance(reader.GetInt64(0), reader.GetInt32(1), reader.IsDBNull(2) ? null : reader.GetInt64(2), state);
            }
        }
    }

    private static async IAsyncEnumerable<LogRow> ReadLogAsync(
        NpgsqlCommand command, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using (command)
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                yield return new LogRow(reader.GetInt64(0), reader.GetInt64(1), (LogKind)reader.GetInt16(2), reader.GetInt32(3), reader.GetFieldValue<byte[]>(4));
            }
        }
    }

    private static DateTime? At(Timestamp? time) => time is null ? null : WireTime.Of(time);
}
