using System.Text;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using Npgsql;

namespace AiPlatform.TaskHub.Storage;

/// <summary>An entity as it is stored.</summary>
internal sealed record StoredEntity(string Id, DateTime ModifiedAt, string? LockedBy, string? Section, bool Exists, string? State, int Backlog);

/// <content>Entities.</content>
internal sealed partial class HubReader
{
    private const string EntityColumns =
        "SELECT entity_id, modified_at, locked_by, lock_section, state IS NOT NULL, "
        + "(SELECT count(*)::int FROM entity_inbox m WHERE m.hub = e.hub AND m.entity_id = e.entity_id)";

    /// <summary>One entity, or null.</summary>
    public async Task<StoredEntity?> FindEntityAsync(int hub, string entityId, bool state, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand($"{EntityColumns}{(state ? ", state" : string.Empty)} FROM entities e WHERE hub = $1 AND entity_id = $2");
        command.Parameters.Add(new() { Value = hub });
        command.Parameters.Add(new() { Value = entityId });
        return (await ReadEntitiesAsync(command, state, cancellationToken)).FirstOrDefault();
    }

    /// <summary>A page of entities in the order of their ids.</summary>
    /// <returns>The page, and the id to go on after; null at the end.</returns>
    public async Task<(List<StoredEntity> Page, string? Next)> QueryEntitiesAsync(int hub, EntityQuery query, CancellationToken cancellationToken)
    {
        var size = query.PageSize is > 0 and <= MaxPage ? query.PageSize.Value : query.PageSize is > MaxPage ? MaxPage : 100;
        await using var command = source.CreateCommand();
        var sql = new StringBuilder(EntityColumns).Append(query.IncludeState ? ", state" : string.Empty).Append(" FROM entities e WHERE hub = $1");
        command.Parameters.Add(new() { Value = hub });
        void Add(string condition, object value)
        {
            command.Parameters.Add(new() { Value = value });
            sql.Append(" AND ").Append(condition.Replace("?", $"${command.Parameters.Count}", StringComparison.Ordinal));
        }

        if (!query.IncludeTransient)
        {
            sql.Append(" AND state IS NOT NULL");
        }

        if (!string.IsNullOrEmpty(query.ContinuationToken))
        {
            Add("entity_id > ?", query.ContinuationToken);
        }

        if (!string.IsNullOrEmpty(query.InstanceIdStartsWith))
        {
            Add("starts_with(entity_id, ?)", EntityName.NormalizePrefix(query.InstanceIdStartsWith));
        }

        if (query.LastModifiedFrom is { } from)
        {
            Add("modified_at >= ?", WireTime.Of(from));
        }

        if (query.LastModifiedTo is { } to)
        {
            Add("modified_at <= ?", WireTime.Of(to));
        }

        command.CommandText = sql.Append($" ORDER BY entity_id LIMIT {size + 1}").ToString();
        var page = await ReadEntitiesAsync(command, query.IncludeState, cancellationToken);
        if (page.Count <= size)
        {
            return (page, null);
        }

        page.RemoveAt(size);
        return (page, page[^1].Id);
    }

    /// <summary>A page of entities for a clean-up, in the order of their ids: those without state or with a lock, and whether the lock's holder lives.</summary>
    public async Task<List<(StoredEntity Entity, bool HolderLives)>> CleanableEntitiesAsync(int hub, string after, int limit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            $"{EntityColumns}, EXISTS (SELECT 1 FROM instances i WHERE i.hub = e.hub AND i.instance_id = e.locked_by AND i.completed_at IS NULL) "
            + $"FROM entities e WHERE hub = $1 AND entity_id > $2 AND (state IS NULL OR locked_by IS NOT NULL) ORDER BY entity_id LIMIT {limit}");
        command.Parameters.Add(new() { Value = hub });
        command.Parameters.Add(new() { Value = after });
        var page = new List<(StoredEntity, bool)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            page.Add((ReadEntity(reader, false), reader.GetBoolean(6)));
        }

        return page;
    }

    /// <summary>Everything that waits for entities of partitions.</summary>
    public async Task<List<(EntityMessageKey Key, HistoryEvent Event)>> EntityInboxAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT hub, entity_id, seq, payload FROM entity_inbox WHERE partition = ANY ($1) ORDER BY seq");
        command.Parameters.Add(Numbers(partitions));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<(EntityMessageKey, HistoryEvent)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add((new(reader.GetInt32(0), reader.GetString(1), reader.GetInt64(2)), HistoryEvent.Parser.ParseFrom(reader.GetFieldValue<byte[]>(3))));
        }

        return rows;
    }

    private static async Task<List<StoredEntity>> ReadEntitiesAsync(NpgsqlCommand command, bool state, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var entities = new List<StoredEntity>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entities.Add(ReadEntity(reader, state));
        }

        return entities;
    }

    private static StoredEntity ReadEntity(NpgsqlDataReader reader, bool state) => new(
        reader.GetString(0), reader.GetDateTime(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3),
        reader.GetBoolean(4), state ? Payload.ToText(reader.IsDBNull(6) ? null : reader.GetFieldValue<byte[]>(6)) : null, reader.GetInt32(5));
}
