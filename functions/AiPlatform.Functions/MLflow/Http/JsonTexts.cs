using System.Text.Json;

namespace AiPlatform.Functions.MLflow.Http;

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
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Read(value) is not null;
            case JsonValueKind.Array:
                return value.EnumerateArray().All(AreSound);
            case JsonValueKind.Object:
                try
                {
                    return value.EnumerateObject().All(static property => property.Name.Length >= 0 && AreSound(property.Value));
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
