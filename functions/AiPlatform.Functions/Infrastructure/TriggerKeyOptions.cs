namespace AiPlatform.Functions.Infrastructure;

/// <summary>Section <c>Triggers</c>.</summary>
internal sealed class TriggerKeyOptions
{
    /// <summary>The header that carries the key.</summary>
    public const string Header = "x-aip-trigger-key";

    /// <summary>
    /// What a caller of a trigger must present. Unset under the Functions host, where only the host reaches the port.
    /// </summary>
    public string? Key { get; set; }
}
