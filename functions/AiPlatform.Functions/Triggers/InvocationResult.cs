using System.Text.Json.Serialization;

namespace AiPlatform.Functions.Triggers;

/// <summary>The answer that completes an invocation. An empty answer never would: the host waits for a JSON object.</summary>
internal sealed record InvocationResult
{
    /// <summary>The result of an invocation that put nothing out.</summary>
    public static InvocationResult Done { get; } = new();

    /// <summary>Output bindings; there are none.</summary>
    [JsonPropertyName("Outputs")]
    public Dictionary<string, string> Outputs { get; init; } = [];

    /// <summary>Lines for the host's log.</summary>
    [JsonPropertyName("Logs")]
    public IReadOnlyList<string> Logs { get; init; } = [];

    /// <summary>Always null.</summary>
    [JsonPropertyName("ReturnValue")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? ReturnValue { get; init; }
}
