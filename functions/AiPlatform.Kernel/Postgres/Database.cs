using System.Data;
using AiPlatform.Hosting;
using Azure.Core;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Kernel.Postgres;

/// <summary>
/// The one way to PostgreSQL: a small pool (a few busy connections serve more requests than many waiting ones), Dapper
/// with snake_case columns, and transactions that are repeated where PostgreSQL asks for it.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private const int MaxAttempts = 5;
    private const string SessionSettings = "SET max_parallel_workers_per_gather = 0; SET jit = off";
    private static readonly AsyncLocal<List<Action>?> Committed = new();

    static Database()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        // Dapper asks a handler only about types that it does not know by itself.
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.AddTypeHandler(typeof(DateTimeOffset), new UtcHandler());
    }

    /// <param name="connectionString">An Npgsql connection string; pool size and prepared statements get defaults when it says nothing.</param>
    /// <param name="identity">Shown to the server where the connection string asks for an identity; the process's own when null.</param>
    public Database(string connectionString, TokenCredential? identity = null)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        SetDefault(builder, "Maximum Pool Size", 10);
        SetDefault(builder, "Timeout", 10);
        SetDefault(builder, "Max Auto Prepare", 100);
        SetDefault(builder, "Auto Prepare Min Usages", 3);
        SetDefault(builder, "Application Name", "aiplatform-functions");

        // Chunks of metrics are as large as the buffer would be: each of them would be a read of its own.
        SetDefault(builder, "Read Buffer Size", 65_536);

        // Nothing here leaves state in a session (locks and settings are those of transactions), and a reset before each
        // use costs the server more than most of our statements.
        SetDefault(builder, "No Reset On Close", true);
        ConnectionString = builder.ConnectionString;

        // Statements here are short and many: workers for one of them, or its compilation, would cost all others more than they save.
        var source = PostgresConnection.Builder(ConnectionString, identity);
        source.UsePhysicalConnectionInitializer(
            static connection =>
            {
                using var command = new NpgsqlCommand(SessionSettings, connection);
                command.ExecuteNonQuery();
            },
            static async connection =>
            {
                await using var command = new NpgsqlCommand(SessionSettings, connection);
                await command.ExecuteNonQueryAsync();
            });
        Source = source.Build();
    }

    /// <summary>The pool.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>The completed connection string, secrets included: never log it.</summary>
    public string ConnectionString { get; }

    /// <summary>Whether the server is away, starting, stopping or out of connections: a repeat may succeed.</summary>
    public static bool IsUnavailable(NpgsqlException exception)
        => exception.IsTransient || exception is not PostgresException
            || exception.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow;

    /// <summary>Whether the statement failed on this unique index or constraint.</summary>
    public static bool IsUniqueViolation(PostgresException exception, string constraint)
        => exception.SqlState == PostgresErrorCodes.UniqueViolation && exception.ConstraintName == constraint;

    /// <summary>
    /// Registers what has to happen right after the running transaction has committed (a wake, a notification). It must
    /// be cheap and must not throw. Call it inside <see cref="InTransactionAsync{T}"/>.
    /// </summary>
    public static void OnCommitted(Action action)
        => (Committed.Value ?? throw new InvalidOperationException("There is no transaction of this class.")).Add(action);

    /// <summary>An open connection from the pool.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => Source.OpenConnectionAsync(cancellationToken);

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction and commits it. Serialization failures, deadlocks and connections
    /// that break before the commit are repeated with jitter; <paramref name="work"/> must therefore have no effect
    /// outside of the transaction. A connection that breaks during the commit is not repeated: its outcome is unknown.
    /// </summary>
    public async Task<T> InTransactionAsync<T>(
        Func<NpgsqlConnection, NpgsqlTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        var committing = false;
        return await RepeatAsync(
            async () =>
            {
                committing = false;
                var actions = new List<Action>();
                Committed.Value = actions;
                try
                {
                    T result;
                    await using (var connection = await OpenAsync(cancellationToken))
                    await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
                    {
                        result = await work(connection, transaction);
                        committing = true;

                        // A caller that goes away now must not leave the outcome unknown.
                        await transaction.CommitAsync(CancellationToken.None);
                    }

                    actions.ForEach(static action => action());
                    return result;
                }
                finally
                {
                    Committed.Value = null;
                }
            },
            exception => !committing || exception is PostgresException,
            cancellationToken);
    }

    /// <summary>
    /// Runs <paramref name="work"/>, which executes one statement or one batch: a transaction in one round trip. It is repeated as
    /// a transaction is, and also when the connection breaks and the outcome is unknown: doing it twice must be the same as once.
    /// </summary>
    public Task<T> InOneStatementAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
        => RepeatAsync(
            async () =>
            {
                await using var connection = await OpenAsync(cancellationToken);
                return await work(connection);
            },
            static _ => true,
            cancellationToken);

    /// <summary>As <see cref="InTransactionAsync{T}"/>, without a result.</summary>
    public Task InTransactionAsync(Func<NpgsqlConnection, NpgsqlTransaction, Task> work, CancellationToken cancellationToken)
        => InTransactionAsync(
            async (connection, transaction) =>
            {
                await work(connection, transaction);
                return true;
            },
            cancellationToken);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => Source.DisposeAsync();

    private static async Task<T> RepeatAsync<T>(Func<Task<T>> work, Func<NpgsqlException, bool> mayRepeat, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await work();
            }
            catch (NpgsqlException exception) when (attempt < MaxAttempts && exception.IsTransient && mayRepeat(exception) && !cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * 20 * (1 << attempt)), cancellationToken);
            }
        }
    }

    private static void SetDefault(NpgsqlConnectionStringBuilder builder, string keyword, object value)
    {
        if (!builder.ShouldSerialize(keyword))
        {
            builder[keyword] = value;
        }
    }

    /// <summary><c>timestamptz</c> is a UTC <see cref="DateTime"/> for Npgsql and a <see cref="DateTimeOffset"/>, of whatever offset, for us.</summary>
    private sealed class UtcHandler : SqlMapper.ITypeHandler
    {
        public object Parse(Type destinationType, object value) => value switch
        {
            DateTime time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
            DateTimeOffset offset => offset.ToUniversalTime(),
            _ => throw new InvalidCastException($"A {value.GetType().Name} is no time."),
        };

        public void SetValue(IDbDataParameter parameter, object value)
        {
            ((NpgsqlParameter)parameter).NpgsqlDbType = NpgsqlDbType.TimestampTz;
            parameter.Value = value is DateTimeOffset time ? time.UtcDateTime : DBNull.Value;
        }
    }
}
