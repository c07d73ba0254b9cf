using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AiPlatform.Contracts;

/// <summary>
/// Refuses null among the elements of lists and the values of dictionaries that are declared without it: the serializer itself looks
/// at properties only.
/// </summary>
internal static class NullElements
{
    /// <summary>Adds the check to a type; a modifier of contracts.</summary>
    public static void Refuse(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object)
        {
            return;
        }

        var checks = type.Properties.Where(static property => property.Get is not null && HasElementsWithoutNull(property)).Select(static property => (property.Name, property.Get!)).ToArray();
        if (checks.Length == 0)
        {
            return;
        }

        var before = type.OnDeserialized;
        type.OnDeserialized = value =>
        {
            before?.Invoke(value);
            foreach (var (name, get) in checks)
            {
                if (NullAt(get(value)) is { } place)
                {
                    throw new JsonException($"The JSON property '{name}' contains null.", $"$.{name}{place}", null, null);
                }
            }
        };
    }

    private static bool HasElementsWithoutNull(JsonPropertyInfo property)
        => property.AttributeProvider is PropertyInfo declared && property.PropertyType != typeof(string) && typeof(IEnumerable).IsAssignableFrom(property.PropertyType)
            && ElementOf(new NullabilityInfoContext().Create(declared)) is { ReadState: NullabilityState.NotNull, Type.IsValueType: false };

    private static NullabilityInfo? ElementOf(NullabilityInfo collection)
        => collection.ElementType ?? (collection.GenericTypeArguments is [.., var last] ? last : null);

    private static string? NullAt(object? value)
    {
        switch (value)
        {
            case IDictionary dictionary:
                foreach (DictionaryEntry entry in dictionary)
                {
                    if (entry.Value is null)
                    {
                        return $".{entry.Key}";
                    }
                }

                return null;
            case IEnumerable elements:
                var index = 0;
                foreach (var element in elements)
                {
                    if (element is null)
                    {
                        return $"[{index}]";
                    }

                    index++;
                }

                return null;
            default:
                return null;
        }
    }
}
