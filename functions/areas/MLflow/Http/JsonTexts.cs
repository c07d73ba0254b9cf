using System.Runtime.InteropServices;
using System.Text.Json;

namespace AiPlatform.MLflow.Http;

/// <summary>Texts of JSON that somebody sent: half a surrogate pair is JSON and yet no text.</summary>
internal static class JsonTexts
{
    /// <summary>The text; null when it is none.</summary>
    public static string? Read(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Whether all texts and names in a document are texts.</summary>
    public static bool AreSound(JsonElement value)
    {
        // Only an escape can be half a pair: the reader has refused invalid bytes.
        var raw = JsonMarshal.GetRawUtf8Value(value);
        return (raw.IndexOf("\\ud"u8) < 0 && raw.IndexOf("\\uD"u8) < 0) || AllAreSound(value);
    }

    /// <summary>Whether all numbers in a document are numbers for a computer, and not longer than they look.</summary>
    public static bool HasFiniteNumbers(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.TryGetDouble(out var number) && double.IsFinite(number),
        JsonValueKind.Array => value.EnumerateArray().All(HasFiniteNumbers),
        JsonValueKind.Object => value.EnumerateObject().All(static property => HasFiniteNumbers(property.Value)),
        _ => true,
    };

    private static bool AllAreSound(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Read(value) is not null;
            case JsonValueKind.Array:
                return value.EnumerateArray().All(AllAreSound);
            case JsonValueKind.Object:
                try
                {
                    return value.EnumerateObject().All(static property => property.Name.Length >= 0 && AllAreSound(property.Value));
                }
                catch (InvalidOperationException)
                {
                    // A name with half a surrogate pair.
                    return false;
                }

            default:
                return true;
        }
    }
}
