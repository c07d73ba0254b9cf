using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Identity.Accounts;

/// <summary>Handlers that take a password, a secret or a refresh token, and answer tokens.</summary>
internal static class LoginEndpoints
{
    /// <summary>Creates an account and logs it in.</summary>
    public static async Task<Created<TokenResponse>> RegisterAsync(
        RegisterRequest request, HttpContext context, Registration registration, Logins logins, CancellationToken cancellationToken)
    {
        var user = await registration.RegisterAsync(request, context.Connection.RemoteIpAddress, cancellationToken);
        return TypedResults.Created($"/v1/users/{user.Id}", await logins.BeginAsync(user, cancellationToken));
    }

    /// <summary>Creates an account for somebody else.</summary>
    public static async Task<Created<User>> CreateUserAsync(CreateUserRequest request, Registration registration, CancellationToken cancellationToken)
    {
        var user = await registration.CreateAsync(request, cancellationToken);
        return TypedResults.Created($"/v1/users/{user.Id}", user.ToUser());
    }

    /// <summary>Logs in.</summary>
    public static async Task<Ok<TokenResponse>> LoginAsync(
        LoginRequest request, HttpContext context, PasswordLogin login, DeviceCookie devices, Logins logins, CancellationToken cancellationToken)
    {
        var name = Check.Length(request.UserName, "userName", 1, Registration.MaxEmail);
        var user = await login.CheckAsync(
            context.Connection.RemoteIpAddress, name, Check.Length(request.Password, "password", 1, PasswordRules.MaxLength), devices.Find(context.Request, name), cancellationToken);
        devices.Mark(context, name);
        return TypedResults.Ok(await logins.BeginAsync(user, cancellationToken));
    }

    /// <summary>Exchanges a refresh token.</summary>
    public static async Task<Ok<TokenResponse>> RefreshAsync(
        RefreshRequest request, Callers callers, Logins logins, CancellationToken cancellationToken)
    {
        if (await logins.RefreshAsync(request.RefreshToken, cancellationToken) is { } answer)
        {
            return TypedResults.Ok(answer);
        }

        // Perhaps it was used before: then its login has just ended.
        callers.Clear();
        throw new ApiException(ErrorCodes.InvalidRefreshToken);
    }

    /// <summary>Ends a login. An unknown token is no error: the login is over either way.</summary>
    public static async Task<NoContent> LogoutAsync(LogoutRequest request, Callers callers, IdentityStore store, CancellationToken cancellationToken)
    {
        await store.EndLoginAsync(request.RefreshToken, cancellationToken);
        callers.Clear();
        return TypedResults.NoContent();
    }

    /// <summary>Logs a platform service in.</summary>
    public static async Task<Ok<TokenResponse>> ServiceTokenAsync(
        ServiceTokenRequest request, HttpContext context, LoginThrottle throttle, TokenIssuer issuer, IOptions<IdentityOptions> options, CancellationToken cancellationToken)
    {
        var role = request.Client switch
        {
            "orchestrations" => "service",
            "runner" => "runner",
            _ => null,
        };
        if (role is null || !options.Value.ServiceSecrets.TryGetValue(request.Client, out var secret) || secret.Length == 0
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(request.Secret)))
        {
            // Only what is wrong counts: a service must get its token whatever others at its address try, and while the database is away.
            await throttle.AttemptAsync(context.Connection.RemoteIpAddress, $"service {request.Client}", device: null, cancellationToken);
            throw new ApiException(ErrorCodes.InvalidCredentials);
        }

        var token = issuer.ForService(request.Client, role);
        return TypedResults.Ok(new TokenResponse(token.Token, token.ExpiresIn));
    }

    /// <summary>Changes the caller's password and begins a new login, the only one that is left.</summary>
    public static async Task<Ok<TokenResponse>> ChangePasswordAsync(
        ChangePasswordRequest request, HttpContext context, Caller caller, Callers callers, PasswordLogin login, Logins logins, CancellationToken cancellationToken)
    {
        var user = await login.ChangePasswordAsync(context, caller.UserId, request, cancellationToken);
        callers.Clear();
        return TypedResults.Ok(await logins.BeginAsync(user, cancellationToken));
    }
}
