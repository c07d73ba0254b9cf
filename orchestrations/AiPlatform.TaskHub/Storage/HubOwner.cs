using AiPlatform.DurableTask.Protobuf;
using Google.Protobuf;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.TaskHub.Storage;

/// <summary>Another process owns the hub now; what this one holds in memory is void.</summary>
internal sealed class OwnershipLostException() : Exception("Another process owns the task hub.");

/// <summary>
/// The right to write. It lives on one connection: PostgreSQL gives its advisory lock to one session at a time and takes it
/// away when the connection ends, so a commit on this connection is a commit of the owner. After a lost connection the epoch
/// tells whether somebody else was owner in between.
/// </summary>
internal sealed class HubOwner : IAsyncDisposable
{
    private const long OwnerLock = 0x7461736b_68756231;

    private readonly string _connectionString;
    private NpgsqlConnection _connection;

    private HubOwner(string connectionString, NpgsqlConnection connection, long epoch)
    {
        _connectionString = connectionString;
        _connection = connection;
        Epoch = epoch;
    }

    /// <summary>How often ownership has changed hands, this time included.</summary>
    public long Epoch { get; }

    /// <summary>Becomes owner; null while another process is.</summary>
    public static async Task<HubOwner?> TryAcquireAsync(string connectionString, string name, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(connectionString, cancellationToken);
        try
        {
            if (!await TryLockAsync(connection, cancellationToken))
            {
                await connection.DisposeAsync();
                return null;
            }

            await using var advance = new NpgsqlCommand("UPDATE hub_owner SET epoch = epoch + 1, owner = $1, acquired_at = now() RETURNING epoch", connection)
            {
                Parameters = { new() { Value = name } },
            };
            var epoch = (long)(await advance.ExecuteScalarAsync(cancellationToken))!;
            return new HubOwner(connectionString, connection, epoch);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connects again after a failure.</summary>
    /// <exception cref="OwnershipLostException">Another process is, or was, owner.</exception>
    public async Task ReconnectAsync(CancellationToken cancellationToken)
    {
        await _connection.DisposeAsync();
        _connection = await ConnectAsync(_connectionString, cancellationToken);
        if (!await TryLockAsync(_connection, cancellationToken) && !await OwnSessionEndsAsync(cancellationToken))
        {
            throw new OwnershipLostException();
        }

        await using var read = new NpgsqlCommand("SELECT epoch FROM hub_owner", _connection);
        if ((long)(await read.ExecuteScalarAsync(cancellationToken))! != Epoch)
        {
            throw new OwnershipLostException();
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
    /// Writes a group in one transaction and one round trip. Repeating it after a commit whose answer was lost is harmless.
    /// </summary>
    public async Task WriteAsync(IReadOnlyList<Commit> commits, IReadOnlyCollection<long> replaced, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(_connection);
        var deletes = commits.SelectMany(commit => commit.Deletes).Concat(replaced).ToArray();
        if (deletes.Length > 0)
        {
            Add(batch, "DELETE FROM log WHERE instance_key = ANY ($1)", Array(NpgsqlDbType.Bigint, deletes));
            Add(batch, "DELETE FROM instances WHERE key = ANY ($1)", Array(NpgsqlDbType.Bigint, deletes));
        }

        AddTrims(batch, commits);
        AddInserts(batch, commits);
        AddUpdates(batch, commits);
        AddLog(batch, commits);
        if (batch.BatchCommands.Count > 0)
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

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
            Options = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off",
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

    private static async Task<bool> TryLockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_lock({OwnerLock})", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Our own last session may still be ending on the server: that is not somebody else.</summary>
    private async Task<bool> OwnSessionEndsAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            if (await TryLockAsync(_connection, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }

    private static void AddTrims(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var trims = commits.SelectMany(commit => commit.Trims).ToArray();
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
        var inserts = commits.SelectMany(commit => commit.Inserts).ToArray();
        if (inserts.Length > 0)
        {
            Add(
                batch,
                "INSERT INTO instances (key, hub, instance_id, status, created_at, parent_key, input, state) "
                + "SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (key) DO NOTHING",
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(inserts, insert => insert.Key)),
                Array(NpgsqlDbType.Integer, System.Array.ConvertAll(inserts, insert => insert.Hub)),
                Array(NpgsqlDbType.Text, System.Array.ConvertAll(inserts, insert => insert.State.InstanceId)),
                Array(NpgsqlDbType.Smallint, System.Array.ConvertAll(inserts, insert => (short)insert.State.OrchestrationStatus)),
                Array(NpgsqlDbType.TimestampTz, System.Array.ConvertAll(inserts, insert => insert.State.CreatedTimestamp.ToDateTime())),
                Array(NpgsqlDbType.Bigint, System.Array.ConvertAll(inserts, insert => insert.ParentKey)),
                Array(NpgsqlDbType.Bytea, System.Array.ConvertAll(inserts, insert => Payload.FromText(insert.Input))),
                Array(NpgsqlDbType.Bytea, System.Array.ConvertAll(inserts, insert => insert.State.ToByteArray())));
        }
    }

    private static void AddUpdates(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var last = new Dictionary<long, InstanceUpdate>();
        foreach (var update in commits.SelectMany(commit => commit.Updates))
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
        var rows = commits.SelectMany(commit => commit.Log).ToArray();
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

    private static NpgsqlBatchCommand Add(NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(command);
        return command;
    }

    private static NpgsqlParameter Array(NpgsqlDbType type, object value) => new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = value };
}
