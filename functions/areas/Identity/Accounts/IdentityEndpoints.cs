using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Identity.Accounts;

/// <summary><c>/v1/auth</c> and <c>/v1/users</c>.</summary>
internal static class IdentityEndpoints
{
    /// <summary>Maps the routes.</summary>
    public static void MapIdentityEndpoints(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/v1/auth").WithTags("Identity").OpenToAnybody();
        auth.MapPost("/register", LoginEndpoints.RegisterAsync)
            .Describe("register", "Create an account and log it in");
        auth.MapPost("/login", LoginEndpoints.LoginAsync).Describe("login", "Log in");
        auth.MapPost("/refresh", LoginEndpoints.RefreshAsync)
            .Describe("refresh", "Exchange a refresh token for new tokens");
        auth.MapPost("/logout", LoginEndpoints.LogoutAsync)
            .Describe("logout", "End the login that a refresh token belongs to");
        auth.MapPost("/service-token", LoginEndpoints.ServiceTokenAsync)
            .Describe("getServiceToken", "Log a platform service in").WithoutDatabase();

        var me = routes.MapGroup("/v1/users/me").WithTags("Identity").RequireAction(IdentityActions.ManageAccount);
        me.MapGet("/", GetMeAsync).Describe("getMe", "The caller's account");
        me.MapPost("/password", LoginEndpoints.ChangePasswordAsync)
            .Describe("changePassword", "Change the caller's password; every other login ends");

        me.MapPost("/tokens", AccessTokenEndpoints.CreateAsync).WithIdempotencyOfSecret()
            .Describe("createAccessToken", "Create a personal access token; it is shown once");
        me.MapGet("/tokens", AccessTokenEndpoints.ListAsync)
            .Describe("listAccessTokens", "List the caller's personal access tokens");
        me.MapDelete("/tokens/{id}", AccessTokenEndpoints.RevokeAsync)
            .Describe("revokeAccessToken", "Revoke a personal access token");

        var users = routes.MapGroup("/v1/users").WithTags("Identity").RequireAction(IdentityActions.AdministerUsers);
        users.MapGet("/", ListAsync).Describe("listUsers", "List accounts");
        users.MapGet("/{id}", GetAsync).Describe("getUser", "Get an account");
        users.MapPost("/", LoginEndpoints.CreateUserAsync).WithIdempotency()
            .Describe("createUser", "Create an account");
        users.MapPatch("/{id}", UpdateAsync)
            .Describe("updateUser", "Change an account's role, disable or enable it; its tokens follow at once");
    }

    private static async Task<Ok<User>> GetMeAsync(Caller caller, IdentityStore store, CancellationToken cancellationToken)
        => TypedResults.Ok((await store.FindAsync(caller.UserId, cancellationToken) ?? throw new ApiException(ErrorCodes.Unauthenticated)).ToUser());

    private static async Task<Ok<Page<User>>> ListAsync([AsParameters] PageRequest page, IdentityStore store, CancellationToken cancellationToken)
        => TypedResults.Ok(page.ToPage(
            await store.ListAsync(page.Key(), page.Size + 1, cancellationToken), static row => row.ToUser(), static row => [row.Id]));

    private static async Task<Ok<User>> GetAsync(string id, IdentityStore store, CancellationToken cancellationToken)
        => TypedResults.Ok((await store.FindAsync(id, cancellationToken) ?? throw ApiException.NotFound("user", id)).ToUser());

    private static async Task<Ok<User>> UpdateAsync(string id, UpdateUserRequest request, Callers callers, IdentityStore store, CancellationToken cancellationToken)
    {
        var role = request.Role is { } wanted ? UserRow.RoleName(wanted) : null;
        var user = await store.UpdateAsync(id, role, request.Disabled, cancellationToken) ?? throw ApiException.NotFound("user", id);
        callers.Clear();
        return TypedResults.Ok(user.ToUser());
    }
}
