using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Events;
using Dapper;
using Npgsql;

namespace AiPlatform.Kernel.Postgres;

/// <summary>One running transaction with the short forms of Dapper that its steps need.</summary>
public sealed record UnitOfWork(NpgsqlConnection Connection, NpgsqlTransaction Transaction, CancellationToken Token)
{
    public Task<int> ExecuteAsync(string sql, object parameters) => Connection.ExecuteAsync(Command(sql, parameters));

    public async Task<List<T>> QueryAsync<T>(string sql, object parameters) => (await Connection.QueryAsync<T>(Command(sql, parameters))).AsList();

    public Task<T> SingleAsync<T>(string sql, object parameters) => Connection.QuerySingleAsync<T>(Command(sql, parameters));

    public Task<T?> FindAsync<T>(string sql, object parameters) => Connection.QuerySingleOrDefaultAsync<T>(Command(sql, parameters));

    private CommandDefinition Command(string sql, object parameters) => new(sql, parameters, Transaction, cancellationToken: Token);
}

/// <summary>Opens units of work.</summary>
public static class UnitOfWorkExtensions
{
    /// <summary>As <see cref="Database.InTransactionAsync{T}"/>.</summary>
    public static Task<T> InWorkAsync<T>(this Database database, Func<UnitOfWork, Task<T>> work, CancellationToken cancellationToken)
        => database.InTransactionAsync((connection, transaction) => work(new UnitOfWork(connection, transaction, cancellationToken)), cancellationToken);

    /// <summary>As <see cref="Database.InTransactionAsync"/>.</summary>
    public static Task InWorkAsync(this Database database, Func<UnitOfWork, Task> work, CancellationToken cancellationToken)
        => database.InTransactionAsync((connection, transaction) => work(new UnitOfWork(connection, transaction, cancellationToken)), cancellationToken);

    /// <summary>As <see cref="EventStream"/>.</summary>
    public static Task PublishAsync<T>(this EventStream events, UnitOfWork work, string topic, string kind, T data)
        => events.PublishAsync(work.Connection, work.Transaction, topic, kind, data, work.Token);

    /// <summary>As <see cref="IOutbox.EnqueueAsync"/>.</summary>
    public static Task EnqueueAsync(this IOutbox outbox, UnitOfWork work, OutboxMessage message)
        => outbox.EnqueueAsync(work.Connection, work.Transaction, message, work.Token);
}
