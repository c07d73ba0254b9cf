using System.Text.Json;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Postgres;

/// <summary>Enum values in the API's spelling, which is also the one of the database.</summary>
public static class EnumText
{
    /// <summary>The value's name in camelCase.</summary>
    public static string ToText<T>(this T value)
        where T : struct, Enum
        => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    /// <summary>A query parameter's value; null when it is absent.</summary>
    /// <exception cref="ApiException">400 naming the field and the values that it takes.</exception>
    public static T? Parse<T>(string? text, string field)
        where T : struct, Enum
    {
        if (text is null)
        {
            return null;
        }

        foreach (var value in Enum.GetValues<T>())
        {
            if (value.ToText() == text)
            {
                return value;
            }
        }

        throw ApiException.Invalid(field, "oneOf", string.Join(", ", Enum.GetValues<T>().Select(ToText)));
    }
}
