namespace AiPlatform.Client;

/// <summary>Where the client gets its access token from.</summary>
public interface ITokenSource
{
    /// <summary>A token that is valid now; null for anonymous calls.</summary>
    /// <param name="rejected">The token that the API has just refused, if any: it must not be returned again.</param>
    /// <param name="cancellationToken">Ends the wait for a token.</param>
    ValueTask<string?> GetTokenAsync(string? rejected, CancellationToken cancellationToken);
}
