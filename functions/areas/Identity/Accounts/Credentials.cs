using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using IPAddress = System.Net.IPAddress;

namespace AiPlatform.Identity.Accounts;

/// <summary>Checks passwords, personal access tokens and access tokens of requests.</summary>
internal sealed class Credentials(TokenIssuer issuer, IdentityStore store, AccessTokenStore tokens, PasswordLogin login) : ICredentials
{
    /// <inheritdoc />
    public async Task<(Caller Caller, DateTimeOffset Expires)?> AccessTokenAsync(string token, CancellationToken cancellationToken)
    {
        if (await issuer.CheckAsync(token) is not var (caller, expires))
        {
            return null;
        }

        if (caller.IsPlatform)
        {
            return (caller, expires);
        }

        // The token says who it is. What he may do now is in the account: somebody may have been demoted since, or have logged out.
        return await store.FindLoggedInAsync(caller.UserId, caller.LoginId, cancellationToken) is { } user
            ? (Of(user) with { LoginId = caller.LoginId }, expires)
            : null;
    }

    /// <inheritdoc />
    public async Task<Caller?> TokenAsync(string token, CancellationToken cancellationToken)
        => await tokens.FindAsync(token, cancellationToken) is var (user, scopes) ? Of(user) with { Scopes = scopes } : null;

    /// <inheritdoc />
    public async Task<(Caller Caller, string Proof)?> PasswordAsync(IPAddress? address, string userName, string password, CancellationToken cancellationToken)
    {
        try
        {
            var user = await login.CheckAsync(address, userName, password, device: null, cancellationToken);
            return (Of(user), user.PasswordHash);
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.InvalidCredentials)
        {
            return null;
        }
    }

    /// <inheritdoc />
    public async Task<Caller?> AgainAsync(string userId, string proof, CancellationToken cancellationToken)
        => await store.FindAsync(userId, cancellationToken) is { DisabledAt: null } user && user.PasswordHash == proof ? Of(user) : null;

    private static Caller Of(UserRow user) => new(user.Id, user.UserName, user.Role == UserRow.Administrator ? CallerRole.Administrator : CallerRole.Member);
}
