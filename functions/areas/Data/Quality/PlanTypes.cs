using Microsoft.Net.Http.Headers;

namespace AiPlatform.Data.Quality;

/// <summary>The media types of plans.</summary>
public static class PlanTypes
{
    private static readonly string[] Yaml = ["application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml", "text/vnd.yaml"];

    /// <summary>Whether a body is YAML (RFC 9512, and the names that were used before it).</summary>
    public static bool IsYaml(string? contentType)
        => MediaTypeHeaderValue.TryParse(contentType, out var type) && type.MediaType.HasValue && Yaml.Contains(type.MediaType.Value, StringComparer.OrdinalIgnoreCase);

    /// <summary>Says in the API's description what a route takes.</summary>
    public static RouteHandlerBuilder AcceptsPlan<T>(this RouteHandlerBuilder route)
        where T : class
        => route.Accepts<T>(isOptional: true, "application/json", Yaml);
}
