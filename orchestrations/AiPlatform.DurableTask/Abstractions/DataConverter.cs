using System.Text.Json;
using System.Text.Json.Serialization;

namespace AiPlatform.DurableTask;

/// <summary>Turns inputs, outputs, events and statuses into text and back.</summary>
public abstract class DataConverter
{
    /// <summary>Text to value; null text is null.</summary>
    public abstract object? Deserialize(string? data, Type targetType);

    /// <summary>Value to text; null is null.</summary>
    public abstract string? Serialize(object? value);

    /// <summary>Text to value; null text is the default value.</summary>
    public T? Deserialize<T>(string? data) => data is null ? default : (T?)Deserialize(data, typeof(T));
}

/// <summary>JSON, as <see cref="JsonSerializerDefaults.Web"/> writes it, with NaN and infinities as strings and enums by name.</summary>
public sealed class JsonDataConverter(JsonSerializerOptions? options = null) : DataConverter
{
    private static readonly JsonSerializerOptions DefaultOptions = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        IncludeFields = true,
    };

    private readonly JsonSerializerOptions _options = options ?? DefaultOptions;

    /// <summary>The converter that is used when none is configured.</summary>
    public static JsonDataConverter Default { get; } = new();

    /// <inheritdoc />
    public override object? Deserialize(string? data, Type targetType) => data is null ? null : JsonSerializer.Deserialize(data, targetType, _options);

    /// <inheritdoc />
    public override string? Serialize(object? value) => value is null ? null : JsonSerializer.Serialize(value, value.GetType(), _options);
}
