using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Identity.Accounts;

/// <summary>Checks a name and a password, whichever way they came.</summary>
internal sealed class PasswordLogin(IdentityStore store, PasswordHashing passwords, LoginThrottle throttle, DeviceCookie devices)
{
    /// <summary>The account, when the password fits and it may be used.</summary>
    /// <exception cref="ApiException">401 <c>invalid_credentials</c>; 429 after too many wrong ones from this address.</exception>
    /// <param name="device">The browser, where it has logged in to this account before.</param>
    public async Task<UserRow> CheckAsync(IPAddress? address, string userName, string password, string? device, CancellationToken cancellationToken)
    {
        var attempt = await throttle.AttemptAsync(address, userName, device, cancellationToken);
        var user = await store.FindByNameAsync(userName, cancellationToken);
        if (!await passwords.VerifyAsync(user?.PasswordHash, password, cancellationToken) || user is not { DisabledAt: null })
        {
            throw new ApiException(ErrorCodes.InvalidCredentials);
        }

        await throttle.SucceededAsync(attempt, cancellationToken);
        return user;
    }

    /// <summary>Sets another password for an account, when the one that it has fits; all its logins end.</summary>
    /// <exception cref="ApiException">400 for the new password; as <see cref="CheckAsync"/> for the old one.</exception>
    public async Task<UserRow> ChangePasswordAsync(HttpContext context, string userId, ChangePasswordRequest request, CancellationToken cancellationToken)
    {
        var account = await store.FindAsync(userId, cancellationToken) ?? throw new ApiException(ErrorCodes.Unauthenticated);
        PasswordRules.Require(request.NewPassword, "newPassword", account.UserName, account.Email);
        var device = devices.Find(context.Request, account.UserName);
        var user = await CheckAsync(context.Connection.RemoteIpAddress, account.UserName, request.CurrentPassword, device, cancellationToken);
        await store.SetPasswordAsync(user.Id, await passwords.HashAsync(request.NewPassword, cancellationToken), cancellationToken);
        return user;
    }
}
