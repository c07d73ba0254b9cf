using AiPlatform.Contracts.Identity;

namespace AiPlatform.Identity.Accounts;

/// <summary>Begins logins and carries them on: each answers an access token and the refresh token for the next one.</summary>
internal sealed class Logins(IdentityStore store, TokenIssuer issuer)
{
    /// <summary>Begins a login.</summary>
    public async Task<TokenResponse> BeginAsync(UserRow user, CancellationToken cancellationToken)
    {
        var (loginId, refreshToken) = await store.CreateLoginAsync(user.Id, cancellationToken);
        return Answer(user, loginId, refreshToken);
    }

    /// <summary>Exchanges a refresh token; null when it is not good, or not any more.</summary>
    public async Task<TokenResponse?> RefreshAsync(string refreshToken, CancellationToken cancellationToken)
        => await store.RotateAsync(refreshToken, cancellationToken) is var (user, loginId, next) ? Answer(user, loginId, next) : null;

    private TokenResponse Answer(UserRow user, string loginId, string refreshToken)
    {
        var token = issuer.ForUser(user.Id, user.UserName, user.Role, loginId);
        return new TokenResponse(token.Token, token.ExpiresIn, refreshToken, user.ToUser());
    }
}
