using System.Net.Mail;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Functions.Features.Identity;

/// <summary>Handlers that take a password, a secret or a refresh token, and answer tokens.</summary>
internal static partial class LoginEndpoints
{
    private const int MinPassword = 10;
    private const int MaxPassword = 128;
    private const int MaxEmail = 254;

    /// <summary>Creates an account and logs it in.</summary>
    public static async Task<Created<TokenResponse>> RegisterAsync(
        RegisterRequest request, IdentityStore store, PasswordHashing passwords, TokenIssuer issuer, IOptions<IdentityOptions> options, CancellationToken cancellationToken)
    {
        if (!options.Value.AllowRegistration)
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }

        Check.That(UserName().IsMatch(request.UserName), "userName", "userName");
        Check.Length(request.Password, "password", MinPassword, MaxPassword);
        Check.That(request.Email is null || (request.Email.Length <= MaxEmail && MailAddress.TryCreate(request.Email, out _)), "email", "email");
        var hash = await passwords.HashAsync(request.Password, cancellationToken);
        var user = await store.CreateAsync(request.UserName, request.Email, hash, UserRow.Member, cancellationToken);
        return TypedResults.Created($"/v1/users/{user.Id}", await LogInAsync(user, store, issuer, cancellationToken));
    }

    /// <summary>Logs in.</summary>
    public static async Task<Ok<TokenResponse>> LoginAsync(
        LoginRequest request, IdentityStore store, PasswordHashing passwords, TokenIssuer issuer, TimeProvider time, CancellationToken cancellationToken)
    {
        var user = await CheckPasswordAsync(
            await store.FindByNameAsync(Check.Length(request.UserName, "userName", 1, MaxEmail), cancellationToken),
            Check.Length(request.Password, "password", 1, MaxPassword),
            store,
            passwords,
            time,
            cancellationToken);
        return TypedResults.Ok(await LogInAsync(user, store, issuer, cancellationToken));
    }

    /// <summary>Exchanges a refresh token.</summary>
    public static async Task<Ok<TokenResponse>> RefreshAsync(
        RefreshRequest request, IdentityStore store, TokenIssuer issuer, CancellationToken cancellationToken)
    {
        var (user, refreshToken) = await store.RotateAsync(request.RefreshToken, cancellationToken) ?? throw new ApiException(ErrorCodes.InvalidRefreshToken);
        return TypedResults.Ok(Answer(user, refreshToken, issuer));
    }

    /// <summary>Ends a login. An unknown token is no error: the login is over either way.</summary>
    public static async Task<NoContent> LogoutAsync(LogoutRequest request, IdentityStore store, CancellationToken cancellationToken)
    {
        await store.EndLoginAsync(request.RefreshToken, cancellationToken);
        return TypedResults.NoContent();
    }

    /// <summary>Logs a platform service in.</summary>
    public static Ok<TokenResponse> ServiceToken(ServiceTokenRequest request, TokenIssuer issuer, IOptions<IdentityOptions> options)
    {
        var role = request.Client switch
        {
            "orchestrations" => "service",
            "runner" => "runner",
            _ => throw new ApiException(ErrorCodes.InvalidCredentials),
        };
        if (!options.Value.ServiceSecrets.TryGetValue(request.Client, out var secret) || secret.Length == 0
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(request.Secret)))
        {
            throw new ApiException(ErrorCodes.InvalidCredentials);
        }

        var token = issuer.ForService(request.Client, role);
        return TypedResults.Ok(new TokenResponse(token.Token, token.ExpiresIn));
    }

    /// <summary>Changes the caller's password and begins a new login, the only one that is left.</summary>
    public static async Task<Ok<TokenResponse>> ChangePasswordAsync(
        ChangePasswordRequest request, Caller caller, Callers callers, IdentityStore store, PasswordHashing passwords, TokenIssuer issuer, TimeProvider time, CancellationToken cancellationToken)
    {
        Check.Length(request.NewPassword, "newPassword", MinPassword, MaxPassword);
        var user = await CheckPasswordAsync(
            await store.FindAsync(caller.UserId, cancellationToken), request.CurrentPassword, store, passwords, time, cancellationToken);
        await store.SetPasswordAsync(user.Id, await passwords.HashAsync(request.NewPassword, cancellationToken), cancellationToken);
        callers.Clear();
        return TypedResults.Ok(await LogInAsync(user, store, issuer, cancellationToken));
    }

    /// <summary>The account, when the password fits; wrong ones are counted and lock it for a while.</summary>
    internal static async Task<UserRow> CheckPasswordAsync(
        UserRow? user, string password, IdentityStore store, PasswordHashing passwords, TimeProvider time, CancellationToken cancellationToken)
    {
        if (user?.LockedUntil is { } until && until > time.GetUtcNow())
        {
            throw new ApiException(ErrorCodes.TooManyRequests) { RetryAfterSeconds = (int)Math.Ceiling((until - time.GetUtcNow()).TotalSeconds) };
        }

        if (!await passwords.VerifyAsync(user?.PasswordHash, password, cancellationToken))
        {
            if (user is not null)
            {
                await store.RecordFailedLoginAsync(user.Id, cancellationToken);
            }

            throw new ApiException(ErrorCodes.InvalidCredentials);
        }

        if (user!.FailedLogins > 0)
        {
            await store.ResetFailedLoginsAsync(user.Id, cancellationToken);
        }

        return user;
    }

    private static async Task<TokenResponse> LogInAsync(UserRow user, IdentityStore store, TokenIssuer issuer, CancellationToken cancellationToken)
        => Answer(user, await store.CreateLoginAsync(user.Id, cancellationToken), issuer);

    private static TokenResponse Answer(UserRow user, string refreshToken, TokenIssuer issuer)
    {
        var token = issuer.ForUser(user.Id, user.UserName, user.Role);
        return new TokenResponse(token.Token, token.ExpiresIn, refreshToken, user.ToUser());
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{2,63}\z", RegexOptions.CultureInvariant, 100)]
    private static partial Regex UserName();
}
