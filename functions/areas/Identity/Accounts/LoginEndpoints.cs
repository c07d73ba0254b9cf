using System.Net.Mail;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Identity.Accounts;

/// <summary>Handlers that take a password, a secret or a refresh token, and answer tokens.</summary>
internal static partial class LoginEndpoints
{
    private const int MaxEmail = 254;

    /// <summary>Creates an account and logs it in.</summary>
    public static async Task<Created<TokenResponse>> RegisterAsync(
        RegisterRequest request, HttpContext context, IdentityStore store, PasswordHashing passwords, LoginThrottle throttle, TokenIssuer issuer,
        IOptions<IdentityOptions> options, CancellationToken cancellationToken)
    {
        await throttle.RegisterAsync(context.Connection.RemoteIpAddress, cancellationToken);
        var isFirst = !options.Value.AllowRegistration;
        if (isFirst && await store.HasAdministratorAsync(cancellationToken))
        {
            throw new ApiException(ErrorCodes.RegistrationClosed);
        }

        var hash = await passwords.HashAsync(CheckAccount(request.UserName, request.Password, request.Email), cancellationToken);
        if (isFirst && !await store.CreateFirstAdministratorAsync(request.UserName, request.Email, hash, cancellationToken))
        {
            throw new ApiException(ErrorCodes.RegistrationClosed);
        }

        var user = isFirst
            ? await store.FindByNameAsync(request.UserName, cancellationToken) ?? throw new ApiException(ErrorCodes.RegistrationClosed)
            : await store.CreateAsync(request.UserName, request.Email, hash, UserRow.Member, cancellationToken);
        return TypedResults.Created($"/v1/users/{user.Id}", await LogInAsync(user, store, issuer, cancellationToken));
    }

    /// <summary>Creates an account for somebody else.</summary>
    public static async Task<Created<User>> CreateUserAsync(
        CreateUserRequest request, IdentityStore store, PasswordHashing passwords, CancellationToken cancellationToken)
    {
        var hash = await passwords.HashAsync(CheckAccount(request.UserName, request.Password, request.Email), cancellationToken);
        var user = await store.CreateAsync(request.UserName, request.Email, hash, UserRow.RoleName(request.Role), cancellationToken);
        return TypedResults.Created($"/v1/users/{user.Id}", user.ToUser());
    }

    /// <summary>Logs in.</summary>
    public static async Task<Ok<TokenResponse>> LoginAsync(
        LoginRequest request, HttpContext context, PasswordLogin login, DeviceCookie devices, IdentityStore store, TokenIssuer issuer, CancellationToken cancellationToken)
    {
        var name = Check.Length(request.UserName, "userName", 1, MaxEmail);
        var user = await login.CheckAsync(
            context.Connection.RemoteIpAddress, name, Check.Length(request.Password, "password", 1, PasswordRules.MaxLength), devices.Find(context.Request, name), cancellationToken);
        devices.Mark(context, name);
        return TypedResults.Ok(await LogInAsync(user, store, issuer, cancellationToken));
    }

    /// <summary>Exchanges a refresh token.</summary>
    public static async Task<Ok<TokenResponse>> RefreshAsync(
        RefreshRequest request, Callers callers, IdentityStore store, TokenIssuer issuer, CancellationToken cancellationToken)
    {
        if (await store.RotateAsync(request.RefreshToken, cancellationToken) is not var (user, loginId, refreshToken))
        {
            // Perhaps it was used before: then its login has just ended.
            callers.Clear();
            throw new ApiException(ErrorCodes.InvalidRefreshToken);
        }

        return TypedResults.Ok(Answer(user, loginId, refreshToken, issuer));
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
        ChangePasswordRequest request, HttpContext context, Caller caller, Callers callers, PasswordLogin login, DeviceCookie devices, IdentityStore store,
        PasswordHashing passwords, TokenIssuer issuer, CancellationToken cancellationToken)
    {
        var account = await store.FindAsync(caller.UserId, cancellationToken) ?? throw new ApiException(ErrorCodes.Unauthenticated);
        PasswordRules.Require(request.NewPassword, "newPassword", account.UserName, account.Email);
        var user = await login.CheckAsync(context.Connection.RemoteIpAddress, account.UserName, request.CurrentPassword, devices.Find(context.Request, account.UserName), cancellationToken);
        await store.SetPasswordAsync(user.Id, await passwords.HashAsync(request.NewPassword, cancellationToken), cancellationToken);
        callers.Clear();
        return TypedResults.Ok(await LogInAsync(user, store, issuer, cancellationToken));
    }

    // The password, when name, password and address may be an account's.
    private static string CheckAccount(string userName, string password, string? email)
    {
        Check.That(UserName().IsMatch(userName), "userName", "userName");
        Check.Length(password, "password", PasswordRules.MinLength, PasswordRules.MaxLength);
        Check.That(email is null || (email.Length <= MaxEmail && MailAddress.TryCreate(email, out _)), "email", "email");
        return PasswordRules.Require(password, "password", userName, email);
    }

    private static async Task<TokenResponse> LogInAsync(UserRow user, IdentityStore store, TokenIssuer issuer, CancellationToken cancellationToken)
    {
        var (loginId, refreshToken) = await store.CreateLoginAsync(user.Id, cancellationToken);
        return Answer(user, loginId, refreshToken, issuer);
    }

    private static TokenResponse Answer(UserRow user, string loginId, string refreshToken, TokenIssuer issuer)
    {
        var token = issuer.ForUser(user.Id, user.UserName, user.Role, loginId);
        return new TokenResponse(token.Token, token.ExpiresIn, refreshToken, user.ToUser());
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{2,63}\z", RegexOptions.CultureInvariant, 100)]
    private static partial Regex UserName();
}
