using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Npgsql;

namespace AiPlatform.Kernel.Events;

/// <summary>Publishes live events: rows of the transaction that changes something, seen by subscribers once it has committed.</summary>
public sealed class EventStream(RedisConnection redis)
{
    /// <summary>The Redis channel that says that there are new rows.</summary>
    public const string Channel = "events";

    private Action? _listeners;

    /// <summary>Calls the handler in this process right after a commit with events. It must be cheap.</summary>
    public void Listen(Action handler) => _listeners += handler;

    /// <summary>
    /// Writes an event in the transaction. Call it inside <see cref="Database.InTransactionAsync{T}"/>: subscribers are
    /// told after the commit.
    /// </summary>
    /// <param name="topic">Such as <c>job:{id}</c>, <c>run:{id}</c>, <c>project:{id}</c>.</param>
    /// <param name="kind">Such as <c>job.status</c>.</param>
    /// <param name="data">Small; serialised in the API's JSON dialect.</param>
    public async Task PublishAsync<T>(
        NpgsqlConnection connection, NpgsqlTransaction transaction, string topic, string kind, T data, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            "INSERT INTO events (topic, kind, data) VALUES (@topic, @kind, @data::jsonb)",
            new { topic, kind, data = JsonSerializer.Serialize(data, ContractsJson.Strict) },
            transaction,
            cancellationToken: cancellationToken));
        Database.OnCommitted(Announce);
    }

    /// <summary>As the other method: events of one kind in one statement.</summary>
    public async Task PublishAsync<T>(UnitOfWork work, string kind, IReadOnlyCollection<KeyValuePair<string, T>> byTopic)
    {
        if (byTopic.Count == 0)
        {
            return;
        }

        await work.ExecuteAsync(
            "INSERT INTO events (topic, kind, data) SELECT topic, @kind, data::jsonb FROM unnest(@topics, @data) AS sent (topic, data)",
            new
            {
                kind,
                topics = byTopic.Select(static pair => pair.Key).ToArray(),
                data = byTopic.Select(static pair => JsonSerializer.Serialize(pair.Value, ContractsJson.Strict)).ToArray(),
            });
        Database.OnCommitted(Announce);
    }

    private void Announce()
    {
        _listeners?.Invoke();
        redis.Signal(Channel);
    }
}
