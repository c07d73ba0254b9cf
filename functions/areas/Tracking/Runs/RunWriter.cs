using AiPlatform.Hosting;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Tracking.Runs;

/// <summary>A change of one run as it waits for the group commit: its creation, its params, its tags, or several of these.</summary>
internal sealed class RunWrite(string runId)
{
    public string RunId { get; } = runId;

    /// <summary>The run's row, when it is created.</summary>
    public CreatedRun? Created { get; init; }

    public IReadOnlyList<KeyValuePair<string, string>> Params { get; init; } = [];

    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];

    /// <summary>Set by the writer: why this change alone was refused.</summary>
    public Exception? Failure { get; set; }
}

/// <summary>A run that a client creates.</summary>
internal sealed record CreatedRun(string ProjectId, string ExperimentId, string Name, string? UserName, string CreatedBy, DateTime StartedAt);

/// <summary>
/// Writes creations, params and tags of all runs in groups: one transaction for a group. A param that has another value
/// already refuses its change, and nothing of that change is stored; the others of the group are.
/// </summary>
internal sealed class RunWriter : IAsyncDisposable
{
    private const string RunNameTag = "mlflow.runName";
    private const int MaxGroup = 256;
    private const int MaxWaiting = 2_048;

    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly GroupCommitWriter<RunWrite> _writer;

    public RunWriter(Database database, TimeProvider time)
    {
        (_database, _time) = (database, time);
        _writer = new GroupCommitWriter<RunWrite>(WriteAsync, MaxGroup, MaxWaiting);
    }

    /// <summary>Ends when the change is durable.</summary>
    /// <exception cref="MLflowException">A param has another value.</exception>
    public async Task AddAsync(RunWrite write, CancellationToken cancellationToken)
    {
        await _writer.AddAsync(write, cancellationToken);
        if (write.Failure is { } failure)
        {
            throw failure;
        }
    }

    public ValueTask DisposeAsync() => _writer.DisposeAsync();

    private Task WriteAsync(IReadOnlyList<RunWrite> group, CancellationToken cancellationToken)
        => group.Any(write => write.Params.Count > 0)
            ? _database.InWorkAsync(
                async work =>
                {
                    foreach (var write in group)
                    {
                        write.Failure = null;
                    }

                    await ExecuteAsync(Creations(group), work.Connection, work.Token);
                    await WriteParamsAsync(work, group);
                    await ExecuteAsync(Tags(group.Where(write => write.Failure is null)), work.Connection, work.Token);
                },
                cancellationToken)
            // Nothing can be refused: all of it in one round trip. Ids are new, so that a run that is there already is this one.
            : _database.InOneStatementAsync(connection => ExecuteAsync(Creations(group).Concat(Tags(group)), connection, cancellationToken), cancellationToken);

    private static async Task<int> ExecuteAsync(IEnumerable<NpgsqlBatchCommand> commands, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var command in commands)
        {
            batch.BatchCommands.Add(command);
        }

        return batch.BatchCommands.Count == 0 ? 0 : await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private IEnumerable<NpgsqlBatchCommand> Creations(IReadOnlyList<RunWrite> group)
    {
        var writes = group.Where(write => write.Created is not null).ToArray();
        if (writes.Length > 0)
        {
            yield return new NpgsqlBatchCommand(
                """
                INSERT INTO runs (id, project_id, experiment_id, name, status, user_name, created_by, created_at, updated_at, started_at)
                SELECT id, project, experiment, name, 'running', user_name, created_by, $7, $7, started
                FROM unnest($1, $2, $3, $4, $5, $6, $8) AS sent (id, project, experiment, name, user_name, created_by, started)
                ON CONFLICT (id) DO NOTHING
                """)
            {
                Parameters =
                {
                    Column(writes, write => write.RunId, NpgsqlDbType.Text),
                    Column(writes, write => write.Created!.ProjectId, NpgsqlDbType.Text),
                    Column(writes, write => write.Created!.ExperimentId, NpgsqlDbType.Text),
                    Column(writes, write => write.Created!.Name, NpgsqlDbType.Text),
                    Column(writes, write => write.Created!.UserName, NpgsqlDbType.Text),
                    Column(writes, write => write.Created!.CreatedBy, NpgsqlDbType.Text),
                    new NpgsqlParameter<DateTime> { TypedValue = _time.GetUtcNow().UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                    Column(writes, write => write.Created!.StartedAt, NpgsqlDbType.TimestampTz),
                },
            };
        }
    }

    private static async Task WriteParamsAsync(UnitOfWork work, IReadOnlyList<RunWrite> group)
    {
        var writes = group.Where(write => write.Params.Count > 0).ToList();
        if (writes.Count == 0)
        {
            return;
        }

        var values = await ReadParamsAsync(work, [.. writes.Where(write => write.Created is null)]);
        var added = new SortedDictionary<(string Run, string Key), string>(Pairs);
        foreach (var write in writes)
        {
            if (!Check(write, values))
            {
                continue;
            }

            foreach (var (key, value) in write.Params)
            {
                if (values.TryAdd((write.RunId, key), value))
                {
                    added.Add((write.RunId, key), value);
                }
            }
        }

        if (added.Count == 0)
        {
            return;
        }

        // Another instance may have written since: what is stored then comes back, and is compared once more.
        await using var batch = new NpgsqlBatch(work.Connection)
        {
            BatchCommands =
            {
                Entries(
                    "INSERT INTO run_params AS p (run_id, key, value) SELECT * FROM unnest($1, $2, $3) ON CONFLICT (run_id, key) DO UPDATE SET value = p.value RETURNING run_id, key, value",
                    added),
            },
        };
        var stored = await ReadEntriesAsync(batch, work.Token);
        writes.ForEach(write => Check(write, stored));
    }

    private static bool Check(RunWrite write, Dictionary<(string Run, string Key), string> values)
    {
        foreach (var (key, value) in write.Params)
        {
            if (values.TryGetValue((write.RunId, key), out var old) && old != value)
            {
                write.Failure ??= MLflowException.Invalid(
                    $"Changing param values is not allowed. Param with key='{key}' was already logged with value='{old}' for run ID='{write.RunId}'. Attempted logging new value '{value}'.");
                return false;
            }
        }

        return true;
    }

    private static async Task<Dictionary<(string Run, string Key), string>> ReadParamsAsync(UnitOfWork work, RunWrite[] writes)
    {
        if (writes.Length == 0)
        {
            return [];
        }

        var pairs = writes.SelectMany(write => write.Params.Select(entry => (write.RunId, entry.Key))).Distinct().ToArray();
        await using var batch = new NpgsqlBatch(work.Connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("SELECT p.run_id, p.key, p.value FROM unnest($1, $2) AS sent (run_id, key) JOIN run_params p ON p.run_id = sent.run_id AND p.key = sent.key")
                {
                    Parameters = { Column(pairs, pair => pair.RunId, NpgsqlDbType.Text), Column(pairs, pair => pair.Key, NpgsqlDbType.Text) },
                },
            },
        };
        return await ReadEntriesAsync(batch, work.Token);
    }

    private static IEnumerable<NpgsqlBatchCommand> Tags(IEnumerable<RunWrite> writes)
    {
        var tags = new SortedDictionary<(string Run, string Key), string>(Pairs);
        var names = new SortedDictionary<(string Run, string Key), string>(Pairs);
        foreach (var write in writes)
        {
            foreach (var (key, value) in write.Tags)
            {
                tags[(write.RunId, key)] = value;
                if (key == RunNameTag && write.Created is null)
                {
                    names[(write.RunId, key)] = value;
                }
            }
        }

        if (tags.Count > 0)
        {
            yield return Entries("INSERT INTO run_tags (run_id, key, value) SELECT * FROM unnest($1, $2, $3) ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value", tags);
        }

        if (names.Count > 0)
        {
            yield return Entries("UPDATE runs SET name = sent.name FROM unnest($1, $2, $3) AS sent (id, key, name) WHERE runs.id = sent.id", names);
        }
    }

    // One order for everybody, so that two writers never wait for each other in a circle.
    private static readonly Comparer<(string Run, string Key)> Pairs = Comparer<(string Run, string Key)>.Create(static (left, right) =>
    {
        var order = string.CompareOrdinal(left.Run, right.Run);
        return order != 0 ? order : string.CompareOrdinal(left.Key, right.Key);
    });

    private static NpgsqlBatchCommand Entries(string sql, SortedDictionary<(string Run, string Key), string> entries)
    {
        var rows = entries.ToArray();
        return new NpgsqlBatchCommand(sql)
        {
            Parameters = { Column(rows, row => row.Key.Run, NpgsqlDbType.Text), Column(rows, row => row.Key.Key, NpgsqlDbType.Text), Column(rows, row => row.Value, NpgsqlDbType.Text) },
        };
    }

    private static async Task<Dictionary<(string Run, string Key), string>> ReadEntriesAsync(NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        var entries = new Dictionary<(string, string), string>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            entries[(reader.GetString(0), reader.GetString(1))] = reader.GetString(2);
        }

        return entries;
    }

    private static NpgsqlParameter<T[]> Column<TRow, T>(TRow[] rows, Converter<TRow, T> column, NpgsqlDbType type)
        => new() { TypedValue = Array.ConvertAll(rows, column), NpgsqlDbType = NpgsqlDbType.Array | type };
}
