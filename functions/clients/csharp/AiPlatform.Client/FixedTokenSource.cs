namespace AiPlatform.Client;

/// <summary>One token, as long as it lasts.</summary>
/// <param name="token">Null for anonymous calls.</param>
public sealed class FixedTokenSource(string? token) : ITokenSource
{
    /// <inheritdoc />
    public ValueTask<string?> GetTokenAsync(string? rejected, CancellationToken cancellationToken) => new(token);
}
