using System.Text.Json;
using System.Text.Json.Serialization;

namespace AiPlatform.DurableTask.Entities;

/// <summary>The address of an entity: its name, which ignores case, and its key. As text it is <c>@name@key</c>.</summary>
[JsonConverter(typeof(TextConverter))]
public readonly record struct EntityInstanceId
{
    /// <summary>The longest address as text.</summary>
    private const int MaxLength = 100;

    /// <param name="name">The name under which the entity is registered; without <c>@</c>.</param>
    /// <param name="key">Which of the entities of that name; may be empty.</param>
    /// <exception cref="ArgumentException">The name is empty or has an <c>@</c>, or the address has more than 100 characters.</exception>
    public EntityInstanceId(string name, string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(key);
        if (name.Contains('@', StringComparison.Ordinal))
        {
            throw new ArgumentException($"The entity name '{name}' has an '@'.", nameof(name));
        }

        Name = name.ToLowerInvariant();
        Key = key;
        if (ToString().Length > MaxLength)
        {
            throw new ArgumentException($"The entity address '{this}' has more than {MaxLength} characters.", nameof(key));
        }
    }

    /// <summary>The name, in lower case.</summary>
    public string Name { get; }

    /// <summary>The key, as given.</summary>
    public string Key { get; }

    /// <summary>Reads an address.</summary>
    /// <exception cref="ArgumentException">The text is not of the form <c>@name@key</c>.</exception>
    public static EntityInstanceId FromString(string instanceId)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        var separator = instanceId.IndexOf('@', 1);
        return instanceId[0] == '@' && separator > 1
            ? new(instanceId[1..separator], instanceId[(separator + 1)..])
            : throw new ArgumentException($"'{instanceId}' is not an entity's address (@name@key).", nameof(instanceId));
    }

    /// <inheritdoc />
    public override string ToString() => $"@{Name}@{Key}";

    private sealed class TextConverter : JsonConverter<EntityInstanceId>
    {
        public override EntityInstanceId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => FromString(reader.GetString() ?? throw new JsonException("An entity's address is a text."));

        public override void Write(Utf8JsonWriter writer, EntityInstanceId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }
}
