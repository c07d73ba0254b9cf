using System.Text.Json;
using System.Text.Json.Serialization;
using AiPlatform.ServiceBusEmulator.Filters;
using Npgsql;

namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>Reads entities from their table, and gives the statements that change it; these are executed by the one writer.</summary>
internal static class EntityStore
{
    /// <summary>Creates or changes an entity: id, name, kind, properties, rules, is configured, created, updated.</summary>
    internal const string Upsert = """
        INSERT INTO queue (id, name, kind, properties, rules, is_configured, created_at, updated_at)
        OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8)
        ON CONFLICT (id) DO UPDATE SET name = $2, kind = $3, properties = $4::jsonb, rules = $5::jsonb, is_configured = $6, updated_at = $8
        """;

    internal const string Delete = "DELETE FROM queue WHERE id = ANY($1)";

    private static readonly JsonSerializerOptions Json = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    internal static object[] Parameters(EntityDefinition definition) =>
    [
        definition.Id,
        definition.Name.ToLowerInvariant(),
        (short)definition.Kind,
        JsonSerializer.Serialize(new StoredEntity(definition.Name, definition.Properties), Json),
        JsonSerializer.Serialize(definition.Rules, Json),
        definition.IsConfigured,
        definition.CreatedAt,
        definition.UpdatedAt,
    ];

    /// <summary>Whether two definitions are stored alike.</summary>
    internal static bool AreSame(EntityDefinition one, EntityDefinition other) => Parameters(one).SequenceEqual(Parameters(other));

    internal static async Task<List<EntityDefinition>> ReadAllAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            "SELECT id, name, kind, properties::text, rules::text, is_configured, created_at, updated_at FROM queue ORDER BY id");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var result = new List<EntityDefinition>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var stored = JsonSerializer.Deserialize<StoredEntity>(reader.GetString(3), Json);
            result.Add(new EntityDefinition
            {
                Id = reader.GetInt32(0),
                Name = stored?.Name ?? reader.GetString(1),
                Kind = (EntityKind)reader.GetInt16(2),
                Properties = stored?.Properties ?? new EntityProperties(),
                Rules = JsonSerializer.Deserialize<List<RuleDefinition>>(reader.GetString(4), Json) ?? [],
                IsConfigured = reader.GetBoolean(5),
                CreatedAt = reader.GetDateTime(6),
                UpdatedAt = reader.GetDateTime(7),
            });
        }

        return result;
    }

    private sealed record StoredEntity(string? Name, EntityProperties? Properties);
}
