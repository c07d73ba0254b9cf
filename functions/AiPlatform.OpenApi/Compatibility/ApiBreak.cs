namespace AiPlatform.OpenApi.Compatibility;

/// <summary>A change of the API that a client which exists would notice.</summary>
/// <param name="Rule">The rule that it breaks, such as <c>property-removed</c>.</param>
/// <param name="Place">Where: an operation, and the place in its parameters, request or answers.</param>
public sealed record ApiBreak(string Rule, string Place)
{
    /// <inheritdoc />
    public override string ToString() => $"{Rule} {Place}";
}
