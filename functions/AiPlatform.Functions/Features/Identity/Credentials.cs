using AiPlatform.Contracts;
using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Identity;

/// <summary>Checks passwords, personal access tokens and access tokens of requests.</summary>
internal sealed class Credentials(TokenIssuer issuer, IdentityStore store, AccessTokenStore tokens, PasswordHashing passwords, TimeProvider time) : ICredentials
{
    /// <inheritdoc />
    public Task<(Caller Caller, DateTimeOffset Expires)?> AccessTokenAsync(string token) => issuer.CheckAsync(token);

    /// <inheritdoc />
    public async Task<Caller?> TokenAsync(string token, CancellationToken cancellationToken)
        => await tokens.FindAsync(token, cancellationToken) is var (user, scopes) ? Of(user) with { Scopes = scopes } : null;

    /// <inheritdoc />
    public async Task<Caller?> PasswordAsync(string userName, string password, CancellationToken cancellationToken)
    {
        try
        {
            return Of(await LoginEndpoints.CheckPasswordAsync(await store.FindByNameAsync(userName, cancellationToken), password, store, passwords, time, cancellationToken));
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.InvalidCredentials)
        {
            return null;
        }
    }

    private static Caller Of(UserRow user) => new(user.Id, user.UserName, user.Role == UserRow.Administrator ? CallerRole.Administrator : CallerRole.Member);
}
