using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Identity.Accounts;

/// <summary>Handlers of <c>/v1/users/me/tokens</c>.</summary>
internal static class AccessTokenEndpoints
{
    private const int MaxName = 100;
    private const int MaxDays = 3_650;

    /// <summary>Creates a token.</summary>
    public static async Task<Created<CreatedAccessToken>> CreateAsync(
        CreateAccessTokenRequest request, Caller caller, AccessTokenStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        Check.Length(request.Name, "name", 1, MaxName);
        var scopes = request.Scopes ?? [TokenScopes.Write];
        Check.That(scopes.Count > 0 && scopes.All(TokenScopes.All.Contains), "scopes", "oneOf", string.Join(", ", TokenScopes.All));
        Check.Range(request.ExpiresInDays ?? 1, "expiresInDays", 1, MaxDays);
        var expires = request.ExpiresInDays is { } days ? time.GetUtcNow().AddDays(days) : (DateTimeOffset?)null;
        var token = await store.CreateAsync(caller.UserId, request.Name, [.. scopes.Distinct()], expires, cancellationToken);
        return TypedResults.Created($"/v1/users/me/tokens/{token.AccessToken.Id}", token);
    }

    /// <summary>Lists the caller's tokens.</summary>
    public static async Task<Ok<Page<AccessToken>>> ListAsync([AsParameters] PageRequest page, Caller caller, AccessTokenStore store, CancellationToken cancellationToken)
        => TypedResults.Ok(page.ToPage(await store.ListAsync(caller.UserId, page.Key(), page.Size, cancellationToken), row => row.ToContract(), row => [row.Id]));

    /// <summary>Revokes a token of the caller.</summary>
    public static async Task<NoContent> RevokeAsync(string id, Caller caller, Callers callers, AccessTokenStore store, CancellationToken cancellationToken)
    {
        if (!await store.RevokeAsync(caller.UserId, id, cancellationToken))
        {
            throw ApiException.NotFound("token", id);
        }

        callers.Clear();
        return TypedResults.NoContent();
    }
}
