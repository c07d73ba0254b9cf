using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using AiPlatform.TaskHub.Payloads;
using Google.Protobuf;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.TaskHub.Storage;

/// <summary>Another process owns a partition that this one thought its own; what this one holds in memory is void.</summary>
internal sealed class OwnershipLostException() : Exception("Another process owns partitions of the task hub.");

/// <summary>
/// The right to write. It lives on one connection: PostgreSQL gives a partition's advisory lock to one session at a time and takes
/// it away when the connection ends, so a commit on this connection is a commit of the owner. After a lost connection the epochs
/// tell whether somebody else was owner in between. Used by the writer alone.
/// </summary>
internal sealed class HubOwner : IAsyncDisposable
{
    // Held by every process in shared mode: versions without partitions took it for themselves alone.
    private const long SharedLock = 0x7461736b_68756231;

    /// <summary>The advisory lock of partition 0; those of the others follow.</summary>
    public const long PartitionLocks = 0x7461736b_70617274;

    private readonly string _connectionString;
    private readonly Dictionary<int, long> _epochs = [];
    private NpgsqlConnection _connection;

    private HubOwner(string connectionString, string name, NpgsqlConnection connection, long epoch)
    {
        _connectionString = connectionString;
        _connection = connection;
        Name = name;
        Epoch = epoch;
    }

    /// <summary>Whether payloads may be in Blob storage, so that it must be written what names them.</summary>
    public bool HasPayloads { get; init; }

    /// <summary>Names the process.</summary>
    public string Name { get; }

    /// <summary>A number that no owner had before: what is numbered from it is unique.</summary>
    public long Epoch { get; }

    /// <summary>Connects as a possible owner; null while a version without partitions owns everything.</summary>
    public static async Task<HubOwner?> TryConnectAsync(string connectionString, string name, bool hasPayloads, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(connectionString, cancellationToken);
        try
        {
            if (!await BooleanAsync(connection, $"SELECT pg_try_advisory_lock_shared({SharedLock})", cancellationToken))
            {
                await connection.DisposeAsync();
                return null;
            }

            await using var advance = new NpgsqlCommand("UPDATE hub_owner SET epoch = epoch + 1, owner = $1, acquired_at = now() RETURNING epoch", connection)
            {
                Parameters = { new() { Value = name } },
            };
            var epoch = (long)(await advance.ExecuteScalarAsync(cancellationToken))!;
            return new HubOwner(connectionString, name, connection, epoch) { HasPayloads = hasPayloads };
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes partitions that nobody holds, at most so many.</summary>
    /// <param name="most">How many.</param>
    /// <param name="known">Partitions that the caller has already; what a failed attempt took beside them is returned as well.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<List<int>> AcquireAsync(int most, IReadOnlyCollection<int> known, CancellationToken cancellationToken)
    {
        var taken = _epochs.Keys.Except(known).ToList();
        for (var id = 0; id < Partition.Count && taken.Count < most; id++)
        {
            if (_epochs.ContainsKey(id) || !await TryLockAsync(id, cancellationToken))
            {
                continue;
            }

            await using var claim = new NpgsqlCommand("UPDATE partitions SET epoch = epoch + 1, owner = $1 WHERE id = $2 RETURNING epoch", _connection)
            {
                Parameters = { new() { Value = Name }, new() { Value = (short)id } },
            };
            _epochs[id] = (long)(await claim.ExecuteScalarAsync(cancellationToken))!;
            taken.Add(id);
        }

        return taken;
    }

    /// <summary>Gives partitions to whoever wants them.</summary>
    public async Task ReleaseAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellationToken)
    {
        foreach (var id in partitions.Where(_epochs.ContainsKey))
        {
            await using var release = new NpgsqlCommand($"UPDATE partitions SET owner = NULL WHERE id = {id}; SELECT pg_advisory_unlock({PartitionLocks + id})", _connection);
            await release.ExecuteNonQueryAsync(cancellationToken);
            _epochs.Remove(id);
        }
    }

    /// <summary>Connects again after a failure.</summary>
    /// <exception cref="OwnershipLostException">Another process is, or was, owner of one of our partitions.</exception>
    public async Task ReconnectAsync(CancellationToken cancellationToken)
    {
        await _connection.DisposeAsync();
        _connection = await ConnectAsync(_connectionString, cancellationToken);
        if (!await BooleanAsync(_connection, $"SELECT pg_try_advisory_lock_shared({SharedLock})", cancellationToken))
        {
            throw new OwnershipLostException();
        }

        foreach (var (id, epoch) in _epochs)
        {
            if (!await TryLockAsync(id, cancellationToken) && !await OwnSessionEndsAsync(id, cancellationToken))
            {
                throw new OwnershipLostException();
            }

            await using var read = new NpgsqlCommand($"SELECT epoch FROM partitions WHERE id = {id}", _connection);
            if ((long)(await read.ExecuteScalarAsync(cancellationToken))! != epoch)
            {
                throw new OwnershipLostException();
            }
        }
    }

    /// <summary>The instances of the given ids that exist.</summary>
    public async Task<List<(int Hub, long Key, OrchestrationState State)>> FindAsync(IReadOnlyCollection<InstanceInsert> inserts, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT i.hub, i.key, i.state FROM unnest($1, $2) AS n (hub, instance_id) JOIN instances i ON i.hub = n.hub AND i.instance_id = n.instance_id", _connection)
        {
            Parameters =
            {
                Array(NpgsqlDbType.Integer, inserts.Select(insert => insert.Hub).ToArray()),
                Array(NpgsqlDbType.Text, inserts.Select(insert => insert.State.InstanceId).ToArray()),
            },
        };
        var found = new List<(int, long, OrchestrationState)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add((reader.GetInt32(0), reader.GetInt64(1), OrchestrationState.Parser.ParseFrom(reader.GetFieldValue<byte[]>(2))));
        }

        return found;
    }

    /// <summary>
    /// Writes a group in one transaction and one round trip. Repeating it after a commit whose answer was lost is harmless; of a
    /// group with messages, which may have been read since, a mark tells whether it was written.
    /// </summary>
    public async Task WriteAsync(IReadOnlyList<Commit> commits, IReadOnlyCollection<long> replaced, long group, bool again, CancellationToken cancellationToken)
    {
        var hasMessages = Commit.MessagesOf(commits).Length > 0;
        if (hasMessages && again && await LastGroupAsync(cancellationToken) == group)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(_connection);
        var deletes = commits.SelectMany(commit => commit.Deletes).Concat(replaced).ToArray();
        if (HasPayloads)
        {
            PayloadRows.RemoveFrom(batch, deletes, commits);
            PayloadRows.AddTo(batch, commits);
        }

        if (deletes.Length > 0)
        {
            Add(batch, "DELETE FROM log l USING instances i WHERE i.key = ANY ($1) AND i.completed_at IS NOT NULL AND l.instance_key = i.key", Array(NpgsqlDbType.Bigint, deletes));
            Add(batch, "DELETE FROM instances WHERE key = ANY ($1) AND completed_at IS NOT NULL", Array(NpgsqlDbType.Bigint, deletes));
        }

        AddTrims(batch, commits);
        AddInserts(batch, commits);
        AddUpdates(batch, commits);
        AddLog(batch, commits);
        EntityRows.AddTo(batch, commits);
        MessageRows.AddTo(batch, commits);
        ParkedRows.AddTo(batch, commits);
        if (hasMessages)
        {
            Add(batch, "UPDATE hub_processes SET last_group = $1 WHERE id = $2", new NpgsqlParameter { Value = group }, new NpgsqlParameter { Value = Name });
        }

        foreach (var hub in commits.Select(commit => commit.DeletedHub).OfType<int>())
        {
            Add(batch, "DELETE FROM log l USING instances i WHERE i.hub = $1 AND l.instance_key = i.key", new NpgsqlParameter { Value = hub });
            foreach (var table in (ReadOnlySpan<string>)["instances", "entities", "entity_inbox", "messages", "parked"])
            {
                Add(batch, $"DELETE FROM {table} WHERE hub = $1", new NpgsqlParameter { Value = hub });
            }

            Add(batch, "DELETE FROM task_hubs WHERE id = $1", new NpgsqlParameter { Value = hub });
        }

        if (batch.BatchCommands.Count > 0)
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Those of the given blobs that no row names.</summary>
    public async Task<List<string>> UnnamedPayloadsAsync(string[] blobs, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT b FROM unnest($1) AS b WHERE NOT EXISTS (SELECT 1 FROM payload_refs r WHERE r.blob = b)", _connection)
        {
            Parameters = { Array(NpgsqlDbType.Text, blobs) },
        };
        var unnamed = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            unnamed.Add(reader.GetString(0));
        }

        return unnamed;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task<long?> LastGroupAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT last_group FROM hub_processes WHERE id = $1", _connection) { Parameters = { new() { Value = Name } } };
        return (long?)await command.ExecuteScalarAsync(cancellationToken);
    }

    private static async Task<NpgsqlConnection> ConnectAsync(string connectionString, CancellationToken cancellationToken)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Pooling = false,
            MaxAutoPrepare = 20,
            AutoPrepareMinUsages = 2,
            KeepAlive = 10,
            CommandTimeout = 60,
            ApplicationName = "task hub writer",

            // Small groups on big tables: without this the planner scans the table for UPDATE … FROM unnest until it has statistics.
            // And when this machine is gone without a word, PostgreSQL ends the session, and with it our ownership, within seconds.
            Options = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
                + "-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c tcp_user_timeout=5000",
        };
        var connection = new NpgsqlConnection(builder.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private Task<bool> TryLockAsync(int partition, CancellationToken cancellationToken)
        => BooleanAsync(_connection, $"SELECT pg_try_advisory_lock({PartitionLocks + partition})", cancellationToken);

    private static async Task<bool> BooleanAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Our own last session may still be ending on the server: that is not somebody else.</summary>
    private async Task<bool> OwnSessionEndsAsync(int partition, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            if (await TryLockAsync(partition, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }

    private static void AddTrims(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var trims = Commit.TrimsOf(commits);
        if (trims.Length > 0)
        {
            Add(
                batch,
                "DELETE FROM log l USING unnest($1, $2, $3) AS t (key, before, consumed) "
                + "WHERE l.instance_key = t.key AND l.seq < t.before AND (l.kind <> 0 OR l.seq <= t.consumed)",
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(trims, trim => trim.InstanceKey)),
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(trims, trim => trim.BeforeSeq)),
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(trims, trim => trim.LastConsumedSeq)));
        }
    }

    private static void AddInserts(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var inserts = Commit.InsertsOf(commits);
        if (inserts.Length > 0)
        {
            Add(
                batch,
                "INSERT INTO instances (key, hub, instance_id, status, created_at, parent_key, input, state, partition) "
                + "SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING",
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(inserts, insert => insert.Key)),
                Array(NpgsqlDbType.Integer, System.Array.ConvertAll(inserts, insert => insert.Hub)),
                Array(NpgsqlDbType.Text, System.Array.ConvertAll(inserts, insert => insert.State.InstanceId)),
                Array(NpgsqlDbType.Smallint, System.Array.ConvertAll(inserts, insert => (short)insert.State.OrchestrationStatus)),
                Array(NpgsqlDbType.TimestampTz, System.Array.ConvertAll(inserts, insert => insert.State.CreatedTimestamp.ToDateTime())),
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(inserts, insert => insert.ParentKey)),
                Array(NpgsqlDbType.Bytea, System.Array.ConvertAll(inserts, insert => Payload.FromText(insert.Input))),
                Array(NpgsqlDbType.Bytea, System.Array.ConvertAll(inserts, insert => insert.State.ToByteArray())),
                Array(NpgsqlDbType.Smallint, System.Array.ConvertAll(inserts, insert => (short)Partition.Of(insert.State.InstanceId))));
        }
    }

    private static void AddUpdates(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var last = new Dictionary<long, InstanceUpdate>();
        foreach (var update in Commit.UpdatesOf(commits))
        {
            // An earlier update of the group may carry a new input that a later one leaves alone.
            last[update.Key] = last.TryGetValue(update.Key, out var earlier) && earlier.NewInput && !update.NewInput
                ? update with { NewInput = true, Input = earlier.Input }
                : update;
        }

        foreach (var newInput in (ReadOnlySpan<bool>)[false, true])
        {
            var updates = last.Values.Where(update => update.NewInput == newInput).ToArray();
            if (updates.Length == 0)
            {
                continue;
            }

            var command = Add(
                batch,
                newInput
                    ? "UPDATE instances i SET status = u.status, completed_at = u.completed_at, state = u.state, input = u.input "
                        + "FROM unnest($1, $2, $3, $4, $5) AS u (key, status, completed_at, state, input) WHERE i.key = u.key"
                    : "UPDATE instances i SET status = u.status, completed_at = u.completed_at, state = u.state "
                        + "FROM unnest($1, $2, $3, $4) AS u (key, status, completed_at, state) WHERE i.key = u.key",
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(updates, update => update.Key)),
                Array(NpgsqlDbType.Smallint, System.Array.ConvertAll(updates, update => (short)update.State.OrchestrationStatus)),
                Array(NpgsqlDbType.TimestampTz, System.Array.ConvertAll(updates, update => update.State.CompletedTimestamp?.ToDateTime())),
                Array(NpgsqlDbType.Bytea, System.Array.ConvertAll(updates, update => update.State.ToByteArray())));
            if (newInput)
            {
                command.Parameters.Add(Array(NpgsqlDbType.Bytea, System.Array.ConvertAll(updates, update => Payload.FromText(update.Input))));
            }
        }
    }

    private static void AddLog(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var rows = Commit.LogOf(commits);
        if (rows.Length > 0)
        {
            Add(
                batch,
                "INSERT INTO log (instance_key, seq, kind, consumed, payload) SELECT * FROM unnest($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(rows, row => row.InstanceKey)),
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(rows, row => row.Seq)),
                Array(NpgsqlDbType.Smallint, System.Array.ConvertAll(rows, row => (short)row.Kind)),
                Array(NpgsqlDbType.Integer, System.Array.ConvertAll(rows, row => row.Consumed)),
                Array(NpgsqlDbType.Bytea, System.Array.ConvertAll(rows, row => row.Payload)));
        }
    }

    internal static NpgsqlBatchCommand Add(NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(command);
        return command;
    }

    internal static NpgsqlParameter Array(NpgsqlDbType type, object value) => new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = value };
}
