using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>Where the artifacts of an experiment lie: a URI that may carry a query, such as a version or an account of the storage.</summary>
internal static class LocationUri
{
    private const int MaxDecodings = 10;

    /// <summary>The location that a client asks for, checked as MLflow checks it; null for none.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static string? Checked(string? location)
    {
        if (string.IsNullOrEmpty(location))
        {
            return null;
        }

        var (path, query) = Split(location);
        return location.Contains('#', StringComparison.Ordinal) || path[(path.LastIndexOf('/') + 1)..].Contains(';', StringComparison.Ordinal)
            ? throw MLflowException.Invalid("'artifact_location' URL can't include fragments or params.")
            : Decoded(query).Contains("..", StringComparison.Ordinal) ? throw MLflowException.Invalid("Invalid query string")
            : path.Contains("..", StringComparison.Ordinal) ? throw MLflowException.Invalid($"Invalid artifact_location '{location}'.")
            : location;
    }

    /// <summary>A folder below a location: its query stays at the end.</summary>
    public static string Below(string location, string path)
    {
        var (folder, query) = Split(location);
        return $"{folder.TrimEnd('/')}/{path}{query}";
    }

    /// <summary>What a text means to whoever decodes it as often as it can be.</summary>
    public static string Decoded(string text)
    {
        for (var i = 0; i < MaxDecodings; i++)
        {
            var decoded = Uri.UnescapeDataString(text);
            if (decoded == text)
            {
                break;
            }

            text = decoded;
        }

        return text;
    }

    private static (string Path, string Query) Split(string location)
        => location.IndexOf('?', StringComparison.Ordinal) is >= 0 and var mark ? (location[..mark], location[mark..]) : (location, string.Empty);
}
