using System.Text.Json;
using System.Text.Json.Nodes;

namespace AiPlatform.Fuzz.Routes;

/// <summary>An operation that can be fuzzed.</summary>
/// <param name="Method">The method.</param>
/// <param name="Pattern">The path with names in braces.</param>
/// <param name="Queries">Names of parameters in the query.</param>
/// <param name="Schema">Of the body, where the documentation has one.</param>
/// <param name="Samples">Bodies, or parameters of the query, that are right; texts that begin with a dollar sign are names of values.</param>
internal sealed record RouteOperation(string Method, string Pattern, IReadOnlyList<string> Queries, JsonElement? Schema, IReadOnlyList<JsonNode> Samples)
{
    /// <summary>Whether a body belongs to it.</summary>
    public bool HasBody => Method is "POST" or "PUT" or "PATCH" || (Method == "DELETE" && Samples.Count > 0);
}
