using System.Diagnostics;
using AiPlatform.Hosting;
using Npgsql;

namespace AiPlatform.ServiceBusEmulator.Storage;

/// <summary>Another broker took the queues: this one's memory is no longer the truth and it must stop.</summary>
internal sealed class OwnershipLostException() : InvalidOperationException("Another broker has taken over the queues.");

/// <summary>
/// The only writer of the message table. Its connection holds a session-level advisory lock, so owning the queues and being
/// able to write are the same thing: while another broker holds the lock, this one can commit nothing.
/// When PostgreSQL goes away, the group that was being written is repeated until it is durable.
/// </summary>
internal sealed partial class MessageWriter : IAsyncDisposable
{
    private const long OwnershipLock = 0x5342_4f57;
    private const int MaxGroup = 512;
    private const int IdBlock = 100_000;

    // The queue of changes is planned as an index look-up whatever the statistics of a table that fills and empties say.
    private const string SessionSettings =
        "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3";

    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(2);

    private readonly string _connectionString;
    private readonly BrokerMetrics _metrics;
    private readonly ILogger<MessageWriter> _logger;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly CancellationTokenSource _stop = new();
    private readonly GroupCommitWriter<WriteOperation> _groups;
    private NpgsqlConnection? _connection;
    private long _epoch;
    private long _nextId;
    private long _reserved;
    private long? _reserve;

    public MessageWriter(IConfiguration configuration, BrokerMetrics metrics, IHostApplicationLifetime lifetime, ILogger<MessageWriter> logger)
    {
        _lifetime = lifetime;
        var connectionString = configuration.GetConnectionString("Postgres")
            ?? throw new MissingSettingException("ConnectionStrings:Postgres");
        _connectionString = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Pooling = false,
            MaxAutoPrepare = 16,
            AutoPrepareMinUsages = 2,
            CommandTimeout = 30,
            Timeout = 5,
            ApplicationName = "servicebus-writer",
        }.ConnectionString;
        _metrics = metrics;
        _logger = logger;
        _groups = new GroupCommitWriter<WriteOperation>(WriteAsync, MaxGroup);
    }

    /// <summary>Whether the last contact with PostgreSQL was good.</summary>
    internal bool IsConnected { get; private set; }

    /// <summary>Becomes the owner of the queues; waits while another broker is.</summary>
    internal async Task AcquireAsync(CancellationToken cancellationToken)
    {
        await PostgresDatabases.EnsureCreatedAsync(_connectionString, cancellationToken);
        await ConnectAsync(isFirst: true, cancellationToken);
    }

    /// <summary>Makes a change durable and applies it to memory.</summary>
    internal async Task WriteAsync(WriteOperation operation)
    {
        await _groups.AddAsync(operation);
        if (operation.Failure is { } failure)
        {
            throw failure;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // What was accepted is given a moment to become durable; when PostgreSQL is away it was not acknowledged either.
        _stop.CancelAfter(TimeSpan.FromSeconds(5));
        await _groups.DisposeAsync();
        await CloseConnectionAsync();
        _stop.Dispose();
    }

    private async Task WriteAsync(IReadOnlyList<WriteOperation> operations, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var group = new WriteGroup();
        foreach (var operation in operations)
        {
            operation.Prepare(NextId);
            operation.AddTo(group);
        }

        try
        {
            await ExecuteAsync(group);
        }
        catch (PostgresException exception) when (operations.Count > 1)
        {
            LogGroupRefused(exception, operations.Count);
            await ExecuteOneByOneAsync(operations);
        }
        catch (OwnershipLostException exception)
        {
            LogOwnershipLost(exception);
            _lifetime.StopApplication();
            throw;
        }

        foreach (var operation in operations)
        {
            if (operation.Failure is null)
            {
                operation.Committed();
            }
        }

        _metrics.GroupCommitted(operations.Count, Stopwatch.GetElapsedTime(started));
    }

    // A change that PostgreSQL refuses must not take the others of its group with it.
    private async Task ExecuteOneByOneAsync(IReadOnlyList<WriteOperation> operations)
    {
        foreach (var operation in operations)
        {
            var group = new WriteGroup();
            operation.AddTo(group);
            try
            {
                await ExecuteAsync(group);
            }
            catch (PostgresException exception)
            {
                operation.Failure = exception;
            }
        }
    }

    private async Task ExecuteAsync(WriteGroup group)
    {
        var isRepeat = false;
        for (var failures = 0; ; failures++)
        {
            try
            {
                if (_connection is null)
                {
                    await ConnectAsync(isFirst: false, _stop.Token);
                }

                await group.ExecuteAsync(_connection!, isRepeat, _reserve, _stop.Token);
                _reserve = null;
                IsConnected = true;
                return;
            }
            catch (Exception exception) when (IsPassing(exception) && !_stop.IsCancellationRequested)
            {
                IsConnected = false;
                isRepeat = true;
                LogWriteRepeated(exception, failures + 1);
                await CloseConnectionAsync();
                var ceiling = Math.Min(MaxBackOff.TotalMilliseconds, 50 * Math.Pow(2, Math.Min(failures, 10)));
                await Task.Delay(TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2))), _stop.Token);
            }
        }
    }

    // Anything that PostgreSQL itself did not judge to be wrong with the statements passes when the server is back.
    private static bool IsPassing(Exception exception) => exception switch
    {
        PostgresException postgres => postgres.IsTransient || postgres.SqlState.StartsWith("57P", StringComparison.Ordinal) || postgres.SqlState.StartsWith("53", StringComparison.Ordinal),
        NpgsqlException or IOException or TimeoutException or System.Net.Sockets.SocketException or ObjectDisposedException => true,
        _ => false,
    };

    private long NextId()
    {
        if (_nextId >= _reserved)
        {
            // Written in the same transaction as the first message that needs it: numbers are never used twice.
            _reserved = _nextId + IdBlock;
            _reserve = _reserved;
        }

        return _nextId++;
    }

    private async Task ConnectAsync(bool isFirst, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(_connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await using (var settings = new NpgsqlCommand(SessionSettings, connection))
            {
                await settings.ExecuteNonQueryAsync(cancellationToken);
            }

            if (isFirst)
            {
                await Schema.MigrateAsync(connection, cancellationToken);
            }

            await WaitForOwnershipAsync(connection, isFirst ? null : _epoch, cancellationToken);
            await using var claim = new NpgsqlCommand("UPDATE broker SET epoch = epoch + 1 RETURNING epoch, next_id", connection);
            await using (var reader = await claim.ExecuteReaderAsync(cancellationToken))
            {
                await reader.ReadAsync(cancellationToken);
                var epoch = reader.GetInt64(0);
                if (!isFirst && epoch != _epoch + 1)
                {
                    throw new OwnershipLostException();
                }

                _epoch = epoch;
                if (isFirst)
                {
                    _nextId = reader.GetInt64(1);
                    _reserved = _nextId;
                }
            }

            _connection = connection;
            IsConnected = true;
            LogOwner(_epoch);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <param name="connection">The connection that is to own the queues.</param>
    /// <param name="epoch">The epoch that this broker had; another one means that it was succeeded.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private static async Task WaitForOwnershipAsync(NpgsqlConnection connection, long? epoch, CancellationToken cancellationToken)
    {
        await using var current = new NpgsqlCommand("SELECT epoch FROM broker", connection);
        await using var tryLock = new NpgsqlCommand($"SELECT pg_try_advisory_lock({OwnershipLock})", connection);
        while (!(bool)(await tryLock.ExecuteScalarAsync(cancellationToken))!)
        {
            if (epoch is { } own && (long)(await current.ExecuteScalarAsync(cancellationToken))! != own)
            {
                throw new OwnershipLostException();
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100 + Random.Shared.Next(100)), cancellationToken);
        }
    }

    private async Task CloseConnectionAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Writing to PostgreSQL failed ({Failures} in a row); the group is repeated")]
    private partial void LogWriteRepeated(Exception exception, int failures);

    [LoggerMessage(3, LogLevel.Error, "PostgreSQL refused a group of {Count} changes; they are written one by one")]
    private partial void LogGroupRefused(Exception exception, int count);

    [LoggerMessage(4, LogLevel.Critical, "Another broker owns the queues; this one stops")]
    private partial void LogOwnershipLost(Exception exception);

    [LoggerMessage(2, LogLevel.Information, "This broker owns the queues (epoch {Epoch})")]
    private partial void LogOwner(long epoch);
}
