using System.Net;
using System.Net.Mail;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;

namespace AiPlatform.Identity.Accounts;

/// <summary>Creates accounts, for those who register and for somebody else.</summary>
internal sealed partial class Registration(IdentityStore store, PasswordHashing passwords, LoginThrottle throttle, IOptions<IdentityOptions> options)
{
    /// <summary>The longest mail address, and with it the longest name that is looked up.</summary>
    public const int MaxEmail = 254;

    /// <summary>Creates the account of who registers: the first administrator's where nobody else may.</summary>
    /// <exception cref="ApiException">403 <c>registration_closed</c>; 400; 409 for a name that is taken; 429.</exception>
    public async Task<UserRow> RegisterAsync(RegisterRequest request, IPAddress? address, CancellationToken cancellationToken)
    {
        await throttle.RegisterAsync(address, cancellationToken);
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

        return isFirst
            ? await store.FindByNameAsync(request.UserName, cancellationToken) ?? throw new ApiException(ErrorCodes.RegistrationClosed)
            : await store.CreateAsync(request.UserName, request.Email, hash, UserRow.Member, cancellationToken);
    }

    /// <summary>Creates an account for somebody else.</summary>
    /// <exception cref="ApiException">400; 409 for a name that is taken.</exception>
    public async Task<UserRow> CreateAsync(CreateUserRequest request, CancellationToken cancellationToken)
    {
        var hash = await passwords.HashAsync(CheckAccount(request.UserName, request.Password, request.Email), cancellationToken);
        return await store.CreateAsync(request.UserName, request.Email, hash, UserRow.RoleName(request.Role), cancellationToken);
    }

    // The password, when name, password and address may be an account's.
    private static string CheckAccount(string userName, string password, string? email)
    {
        Check.That(UserName().IsMatch(userName), "userName", "userName");
        Check.Length(password, "password", PasswordRules.MinLength, PasswordRules.MaxLength);
        Check.That(email is null || (email.Length <= MaxEmail && MailAddress.TryCreate(email, out _)), "email", "email");
        return PasswordRules.Require(password, "password", userName, email);
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{2,63}\z", RegexOptions.CultureInvariant, 100)]
    private static partial Regex UserName();
}
