using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

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
        options.TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { MakeNullableParametersOptional, NullElements.Refuse } };
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
    }

    // Nulls are left out when writing, so a constructor parameter that may be null may be absent when reading.
    private static void MakeNullableParametersOptional(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property.AssociatedParameter is { } parameter && (parameter.IsNullable || Nullable.GetUnderlyingType(parameter.ParameterType) is not null))
            {
                property.IsRequired = false;
            }
        }
    }

    private static JsonSerializerOptions Create(JsonUnmappedMemberHandling unmapped)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.General);
        Configure(options, unmapped);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
