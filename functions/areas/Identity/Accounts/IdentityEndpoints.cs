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
            .WithOperationId("register").WithSummary("Create an account and log it in");
        auth.MapPost("/login", LoginEndpoints.LoginAsync).WithOperationId("login").WithSummary("Log in");
        auth.MapPost("/refresh", LoginEndpoints.RefreshAsync)
            .WithOperationId("refresh").WithSummary("Exchange a refresh token for new tokens");
        auth.MapPost("/logout", LoginEndpoints.LogoutAsync)
            .WithOperationId("logout").WithSummary("End the login that a refresh token belongs to");
        auth.MapPost("/service-token", LoginEndpoints.ServiceTokenAsync)
            .WithOperationId("getServiceToken").WithSummary("Log a platform service in").WithoutDatabase();

        var me = routes.MapGroup("/v1/users/me").WithTags("Identity").RequireAction(IdentityActions.ManageAccount);
        me.MapGet("/", GetMeAsync).WithOperationId("getMe").WithSummary("The caller's account");
        me.MapPost("/password", LoginEndpoints.ChangePasswordAsync)
            .WithOperationId("changePassword").WithSummary("Change the caller's password; every other login ends");

        me.MapPost("/tokens", AccessTokenEndpoints.CreateAsync).WithIdempotencyOfSecret()
            .WithOperationId("createAccessToken").WithSummary("Create a personal access token; it is shown once");
        me.MapGet("/tokens", AccessTokenEndpoints.ListAsync)
            .WithOperationId("listAccessTokens").WithSummary("List the caller's personal access tokens");
        me.MapDelete("/tokens/{id}", AccessTokenEndpoints.RevokeAsync)
            .WithOperationId("revokeAccessToken").WithSummary("Revoke a personal access token");

        var users = routes.MapGroup("/v1/users").WithTags("Identity").RequireAction(IdentityActions.AdministerUsers);
        users.MapGet("/", ListAsync).WithOperationId("listUsers").WithSummary("List accounts");
        users.MapGet("/{id}", GetAsync).WithOperationId("getUser").WithSummary("Get an account");
        users.MapPost("/", LoginEndpoints.CreateUserAsync).WithIdempotency()
            .WithOperationId("createUser").WithSummary("Create an account");
        users.MapPatch("/{id}", UpdateAsync)
            .WithOperationId("updateUser").WithSummary("Change an account's role, disable or enable it; its tokens follow at once");
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
