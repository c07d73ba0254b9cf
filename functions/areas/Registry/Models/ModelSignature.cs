using System.Text.Json;

namespace AiPlatform.Registry.Models;

/// <summary>
/// Signatures as MLflow writes them: <c>inputs</c>, <c>outputs</c> and <c>params</c>, each a list of columns
/// (<c>name</c>, <c>type</c>, …) or, as in MLmodel files, that list as a text.
/// </summary>
internal static class ModelSignature
{
    /// <summary>Whether a part is such a list, such a text, or null.</summary>
    public static bool IsPart(JsonElement part) => part.ValueKind == JsonValueKind.Null || Columns(part) is not null;

    /// <summary>One entry per column: where it is, and the rest of what is said about it.</summary>
    public static IReadOnlyDictionary<string, string> Flatten(JsonElement signature)
    {
        var rows = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in signature.EnumerateObject())
        {
            foreach (var (index, column) in (Columns(part.Value) ?? []).Index())
            {
                var name = column.TryGetProperty("name", out var given) && given.ValueKind == JsonValueKind.String ? given.GetString() : $"{index}";
                rows[$"{part.Name}.{name}"] = string.Join(", ", column.EnumerateObject().Where(property => property.Name != "name").Select(property => $"{property.Name}: {Text(property.Value)}"));
            }
        }

        return rows;
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static List<JsonElement>? Columns(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
        {
            try
            {
                using var document = JsonDocument.Parse(part.GetString()!);
                return Columns(document.RootElement.Clone());
            }
            catch (JsonException)
            {
                return null;
            }
        }

        return part.ValueKind == JsonValueKind.Array && part.EnumerateArray().All(static column => column.ValueKind == JsonValueKind.Object) ? [.. part.EnumerateArray()] : null;
    }
}
