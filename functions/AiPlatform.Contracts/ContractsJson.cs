using System.Text.Json;
using System.Text.Json.Serialization;

namespace AiPlatform.Contracts;

/// <summary>The JSON dialect of the HTTP API and of messages.</summary>
public static class ContractsJson
{
    /// <summary>
    /// camelCase names, enums as camelCase strings, NaN and ±Infinity as strings, unknown and duplicate fields rejected.
    /// Used by the server for requests and by senders for everything.
    /// </summary>
    public static JsonSerializerOptions Strict { get; } = Create(JsonUnmappedMemberHandling.Disallow);

    /// <summary>As <see cref="Strict"/>, but unknown fields are ignored, so that old readers accept newer answers and messages.</summary>
    public static JsonSerializerOptions Tolerant { get; } = Create(JsonUnmappedMemberHandling.Skip);

    /// <summary>Applies the dialect to options that a framework owns.</summary>
    public static void Configure(JsonSerializerOptions options, JsonUnmappedMemberHandling unmapped)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals;
        options.UnmappedMemberHandling = unmapped;
        options.AllowDuplicateProperties = unmapped == JsonUnmappedMemberHandling.Skip;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
    }

    private static JsonSerializerOptions Create(JsonUnmappedMemberHandling unmapped)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.General);
        Configure(options, unmapped);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
